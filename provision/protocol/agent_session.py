"""One connection of an agent to its master, as a state machine: bytes and times in, bytes and events out.

The numbers (heartbeat, liveness, log position) are those of Icinga 2.14's own connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from provision.protocol import icinga
from provision.protocol.netstring import Decoder, encode

HEARTBEAT_S = 20.0
SILENCE_S = 60.0  # without a message for this long the connection counts as dead
POSITION_S = 5.0
RECONNECT_S = 10.0  # for whoever owns the socket: the agent's timer between attempts


@dataclass(frozen=True)
class Connected:
    """The master has said Hello. (It says so to an endpoint unknown to it as well, and then closes.)"""

    version: int
    capabilities: int


@dataclass(frozen=True)
class Acknowledged:
    """The master has processed every message of ours up to this timestamp."""

    position: float


@dataclass(frozen=True)
class Refused:
    """The master asked for something that an agent of ours never does: run a command, take configuration."""

    method: str


@dataclass(frozen=True)
class Closed:
    """The session is over, and why; the owner closes the socket."""

    reason: str


Event = Connected | Acknowledged | Refused | Closed

_EXPECTED = frozenset({"event::Heartbeat", "event::SetNextCheck", "pki::UpdateCertificate", ""})


class AgentSession:
    """Feed it what the socket yields and the time; send what `take` returns.

    All times are seconds of one clock of the owner's choice; it only has to go forward.
    """

    def __init__(self, now: float, *, max_bytes: int = 8 * 1024 * 1024, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.state: Literal["greeting", "connected", "closed"] = "greeting"
        self.acknowledged = 0.0
        self._heartbeat_s = heartbeat_s
        self._decoder = Decoder(max_bytes)
        self._out: list[bytes] = [icinga.hello()]
        self._seen = now
        self._beat_at = now + heartbeat_s
        self._position = self._told = 0.0
        self._tell_at = now + POSITION_S

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the master; empty bytes mean that it closed the connection."""
        if self.state == "closed":
            return []
        if not data:
            return [self._close("the master closed the connection")]
        self._seen = now
        events: list[Event] = []
        try:
            for payload in self._decoder.feed(data):
                self._handle(icinga.decode(payload), events)
        except (ValueError, TypeError, OverflowError) as error:  # frame, JSON or figure
            events.append(self._close(f"the master sent what cannot be read: {error}"))
        return events

    def _handle(self, message: icinga.Message, events: list[Event]) -> None:
        if message.ts is not None:
            self._position = max(self._position, message.ts)
        if message.method == "icinga::Hello":
            self.state = "connected"
            version, capabilities = (message.params.get(key) or 0 for key in ("version", "capabilities"))
            events.append(Connected(int(version), int(capabilities)))
        elif message.method == "log::SetLogPosition":
            self.acknowledged = max(self.acknowledged, float(message.params.get("log_position") or 0))
            events.append(Acknowledged(self.acknowledged))
        elif message.method not in _EXPECTED:
            events.append(Refused(message.method))
        if message.id is not None and message.method:
            self._out.append(icinga.reply(message.id))

    def send(self, frame: bytes) -> None:
        """Queue a framed message (a check result, or what a test wants to get away with)."""
        self._out.append(frame)

    def send_payload(self, payload: bytes) -> None:
        """Queue a message that is not framed yet."""
        self._out.append(encode(payload))

    def tick(self, now: float) -> list[Event]:
        """Do what time demands; call it at `due` at the latest."""
        if self.state == "closed":
            return []
        if now - self._seen >= SILENCE_S:
            return [self._close(f"the master has been silent for {SILENCE_S:.0f} s")]
        if now >= self._beat_at:
            self._beat_at = now + self._heartbeat_s
            self._out.append(icinga.HEARTBEAT)
        if now >= self._tell_at:
            self._tell_at = now + POSITION_S
            if self._position > self._told:
                self._told = self._position
                self._out.append(icinga.log_position(self._position))
        return []

    @property
    def due(self) -> float:
        """When `tick` has something to do next."""
        tell = self._tell_at if self._position > self._told else self._beat_at
        return min(self._beat_at, tell, self._seen + SILENCE_S)

    def take(self) -> bytes:
        """What is to be sent now; empty when nothing is."""
        out, self._out = self._out, []
        return out[0] if len(out) == 1 else b"".join(out)

    def _close(self, reason: str) -> Closed:
        self.state = "closed"
        self._out.clear()
        return Closed(reason)

"""One simulated agent: its TLS connection to the master, kept up like a real agent's, and its results.

Owns the socket and the timers of one host; the protocol is provision/protocol. Runs in an asyncio loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from provision import plausible, push_plan
from provision.mutual_tls import client_context, common_name
from provision.protocol.agent_session import RECONNECT_S, AgentSession, Closed, Connected
from provision.protocol.icinga import CheckResultEncoder
from provision.pusher_spec import PushedCheck, PushedHost, PusherSpec

HANDSHAKE_S = 10.0
BACKLOG_BYTES = 1024 * 1024  # a master that does not read makes results missed, not memory full


class Tally:
    """What all agents of a pusher have done so far."""

    def __init__(self) -> None:
        self.sent = self.missed = self.reconnects = 0
        self.lateness: deque[float] = deque(maxlen=5000)
        self.last_error = ""

    def lateness_s(self, quantile: float) -> float:
        """A quantile of the lateness of the last results (0 before the first)."""
        if not self.lateness:
            return 0.0
        ordered = sorted(self.lateness)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


class Agent(asyncio.Protocol):
    """Connects, pushes, reconnects, until `stop`."""

    def __init__(self, spec: PusherSpec, host: PushedHost, tally: Tally, wall: Callable[[], float] = time.time) -> None:
        self.host = host
        self._spec = spec
        self._tally = tally
        self._wall = wall
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._session: AgentSession | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}  # by check title
        self._beat: asyncio.TimerHandle | None = None
        self._running = True
        self._paused = False
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether the master has greeted this agent."""
        return self._session is not None and self._session.state == "connected"

    @property
    def open(self) -> bool:
        """Whether a socket is still there, greeted or not."""
        return self._transport is not None

    def start(self, delay_s: float = 0.0) -> None:
        """Connect after delay_s and stay connected."""
        self._task = self._loop.create_task(self._keep_connected(delay_s))

    def update(self, spec: PusherSpec, host: PushedHost) -> None:
        """Take other checks over without reconnecting."""
        before = {check.title: check for check in self.host.checks}
        self._spec, self.host = spec, host
        for check in self.host.checks:
            if before.pop(check.title, None) != check:
                self._cancel(check.title)
                if self.connected:
                    self._begin(check)
        for title in before:
            self._cancel(title)

    def stop(self) -> None:
        """Close the connection for good; nothing of it is left in the loop after the transport's goodbye."""
        self._running = False
        if self._task:
            self._task.cancel()
        self._quiet()
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Drop a connection whose goodbye takes too long."""
        if self._transport:
            self._transport.abort()

    async def _keep_connected(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while self._running:
            began = self._loop.time()
            self._ended.clear()
            try:
                context = client_context(self._spec.ca, self.host.certificate, self.host.key)
                await asyncio.wait_for(
                    self._loop.create_connection(
                        lambda: self,
                        self._spec.master_address,
                        self._spec.master_port,
                        ssl=context,
                        server_hostname=self._spec.endpoint,
                        local_addr=(self.host.address, 0),
                        ssl_handshake_timeout=HANDSHAKE_S,
                        ssl_shutdown_timeout=1.0,
                    ),
                    HANDSHAKE_S,
                )
                await self._ended.wait()
            except (TimeoutError, OSError) as error:
                self._failed(f"{type(error).__name__}: {error}")
            # the real agent looks every 10 s which of its connections is down
            await asyncio.sleep(max(0.0, RECONNECT_S - (self._loop.time() - began) % RECONNECT_S))
            self._tally.reconnects += 1

    def _failed(self, text: str) -> None:
        self._tally.last_error = f"{self.host.certname}: {text}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        name = common_name(transport.get_extra_info("peercert"))
        self._transport = transport
        if name != self._spec.endpoint:
            self._failed(f"the master's certificate is for {name or 'nobody'}, not for {self._spec.endpoint}")
            transport.abort()
            return
        transport.set_write_buffer_limits(high=BACKLOG_BYTES)
        self._paused = False
        self._session = AgentSession(self._loop.time())
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._session is None:
            return
        self._react(self._session.receive(data, self._loop.time()))

    def _react(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Connected):
                for check in self.host.checks:
                    self._begin(check)
            elif isinstance(event, Closed):
                self._failed(event.reason)
                if self._transport:
                    self._transport.close()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        if error:
            self._failed(f"{type(error).__name__}: {error}")
        elif self._running and self._session and self._session.state == "greeting":
            self._failed("the master closed the connection without a greeting: does it take this certificate?")
        elif self._running and self.connected:
            self._failed("the master closed the connection")
        self._quiet()
        self._session = self._transport = None
        self._ended.set()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def _flush(self) -> None:
        session, transport = self._session, self._transport
        if session is None or transport is None or transport.is_closing():
            return
        if data := session.take():
            transport.write(data)
        if self._beat is None or self._beat.cancelled() or self._beat.when() > session.due + 0.5:
            self._wake(session)

    def _wake(self, session: AgentSession) -> None:
        if self._beat:
            self._beat.cancel()
        self._beat = self._loop.call_at(session.due, self._tick)

    def _tick(self) -> None:
        if self._session and self._session.state != "closed":
            events = self._session.tick(self._loop.time())
            self._wake(self._session)
            self._react(events)

    def _begin(self, check: PushedCheck) -> None:
        """Plan a check's first result on this connection: soon, or at its next planned time."""
        spec, name = self._spec, self.host.certname
        encoder = CheckResultEncoder(name, check.title, name, ["simulated", check.title])
        phase = push_plan.phase(spec.seed, name, check.title, check.interval_s)
        n = push_plan.slot(self._wall(), phase, check.interval_s)
        if spec.prompt_s:
            wait = push_plan.prompt_delay(spec.seed, name, check.title, spec.prompt_s)
            self._plan(check, encoder, phase, n, self._wall() + wait)
        else:
            self._plan(check, encoder, phase, n + 1, push_plan.due(n + 1, phase, check.interval_s))

    def _plan(self, check: PushedCheck, encoder: CheckResultEncoder, phase: float, n: int, planned: float) -> None:
        result = plausible.outcome(check.model, self._spec.seed, self.host.certname, check.title, n)
        wait = planned + result.delay_s - self._wall()
        self._timers[check.title] = self._loop.call_later(
            max(0.0, wait), self._push, check, encoder, phase, n, planned, result
        )

    def _push(
        self,
        check: PushedCheck,
        encoder: CheckResultEncoder,
        phase: float,
        n: int,
        planned: float,
        result: plausible.Outcome,
    ) -> None:
        now = self._wall()
        if self._session is None or self._session.state != "connected" or self._paused:
            self._tally.missed += 1
        elif not result.mute:
            self._session.send(
                encoder.encode(
                    result.state,
                    result.output,
                    result.perfdata,
                    scheduled=planned,
                    started=now - result.run_s,
                    ended=now,
                )
            )
            self._tally.sent += 1
            self._tally.lateness.append(now - planned)
            self._flush()
        # a process that was stopped for long goes on with the next planned time, as the real scheduler does
        following = max(n + 1, push_plan.slot(now - result.delay_s, phase, check.interval_s) + 1)
        self._plan(check, encoder, phase, following, push_plan.due(following, phase, check.interval_s))

    def _cancel(self, title: str) -> None:
        if timer := self._timers.pop(title, None):
            timer.cancel()

    def _quiet(self) -> None:
        for title in list(self._timers):
            self._cancel(title)
        if self._beat:
            self._beat.cancel()
            self._beat = None

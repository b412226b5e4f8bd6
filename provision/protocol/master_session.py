"""The other side of an agent's connection, as far as a sink needs it: greets, acknowledges, hands out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.protocol import icinga
from provision.protocol.netstring import Decoder


class MasterSession:
    """Feed it what an agent sends; `receive` returns the check results, `take` what to send back.

    Raises NetstringError or MessageError for what a master would drop the connection for.
    """

    def __init__(self, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.greeted = False
        self.heartbeats = 0
        self._decoder = Decoder(max_bytes)
        self._position = 0.0
        self._out: list[bytes] = []

    def receive(self, data: bytes) -> list[Mapping[str, Any]]:
        """Take bytes; each result is the message's params: host, service, cr."""
        results: list[Mapping[str, Any]] = []
        for payload in self._decoder.feed(data):
            message = icinga.decode(payload)
            if message.ts is not None:
                if message.ts < self._position:
                    continue  # a master ignores what is older than what it has
                self._position = message.ts
            if message.method == "icinga::Hello":
                self.greeted = True
                self._out.append(icinga.hello())
            elif message.method == "event::CheckResult":
                results.append(message.params)
            elif message.method == "event::Heartbeat":
                self.heartbeats += 1
        return results

    def tick(self) -> None:
        """Once in a while (a master: every 5 s): say how far the agent's messages have been processed."""
        self._out.append(icinga.HEARTBEAT)
        if self._position:
            self._out.append(icinga.log_position(self._position))

    def take(self) -> bytes:
        """What is to be sent now."""
        out, self._out = self._out, []
        return b"".join(out)

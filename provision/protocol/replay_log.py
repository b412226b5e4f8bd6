"""What an Icinga agent keeps for its master: each message until the master says that it has it, to be sent again on the next connection. Pure.

A master acknowledges by time (log::SetLogPosition) and drops what is older than what it has, so that messages go out in the order of their times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator


class ReplayLog:
    """Framed messages with their times (`ts`, seconds since the epoch), oldest first."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[bytes]:
        return iter([frame for _, frame in self._kept])

    def add(self, ts: float, frame: bytes) -> None:
        """Keep a message whose time is not before that of the last one."""
        self._kept.append((round(ts, 6), frame))  # as many digits as the message has

    def acknowledge(self, position: float) -> None:
        """Forget what the master has: every message up to this time."""
        while self._kept and self._kept[0][0] <= position:
            self._kept.popleft()

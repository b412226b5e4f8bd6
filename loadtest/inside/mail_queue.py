"""Postfix of the monitor: mails that wait, by queue."""

from __future__ import annotations

import os
from collections.abc import Iterator

from loadtest.inside import Place, Reading

MACHINE = "monitor"
QUEUES = ("maildrop", "incoming", "active", "deferred")


class Probe:
    """Counts files: each is a mail. deferred has a level of directories of its own."""

    def __init__(self, place: Place) -> None:
        self._spool = place.root / "var/spool/postfix"

    def read(self, turn: int) -> Iterator[Reading]:
        """Mails in each queue."""
        for queue in QUEUES:
            yield "queued", sum(len(files) for _, _, files in os.walk(self._spool / queue)), f"queue={queue}"

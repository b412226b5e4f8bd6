"""The mail sink of the fleet: how many mails it took, and how long the last ones were on their way.

The delay is from the Date header, which has whole seconds: a delay is up to a second too long, never too short.
"""

from __future__ import annotations

import datetime
import email.parser
import email.utils
import os
from collections.abc import Iterator
from pathlib import Path

from loadtest.inside import Place, Reading

MACHINE = "fleet"
HEAD_BYTES = 65536
AT_ONCE = 200
"""Mails that are looked at in one second; the others come in the next ones."""


def delay_s(name: str, head: bytes) -> float | None:
    """Seconds from a mail's Date to its acceptance, whose nanoseconds begin the file's name; None without a usable Date. Pure."""
    stamp = email.parser.BytesHeaderParser().parsebytes(head).get("Date")
    try:
        written = email.utils.parsedate_to_datetime(str(stamp))
    except (TypeError, ValueError):
        return None
    if written.tzinfo is None:  # "-0000": UTC, of an unknown place
        written = written.replace(tzinfo=datetime.UTC)
    return int(name.split(".")[0]) / 1e9 - written.timestamp()


class Probe:
    """Looks at mails that came since it was made."""

    def __init__(self, place: Place) -> None:
        self._directory = place.root / "var/lib/mail-sink/new"
        self._seen = set(self._names())

    def read(self, turn: int) -> Iterator[Reading]:
        """Mails in all, and the delay of each new one."""
        names = self._names()
        yield "received", len(names), ""
        for name in sorted(set(names) - self._seen)[:AT_ONCE]:
            self._seen.add(name)
            with Path(self._directory, name).open("rb") as stream:
                delay = delay_s(name, stream.read(HEAD_BYTES))
            if delay is not None:
                yield "delay_s", delay, ""

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._directory)
        except FileNotFoundError:  # the sink makes it before its first mail
            return []

"""Errors by audience: what happened, where, and what to do about it. No stack traces for users."""

from __future__ import annotations

import errno


class WatchpostError(Exception):
    """Something failed that the user should read about; the command ends with exit code 1.

    what: one sentence. where: file, machine or stage. todo: the next step for the reader.
    """

    exit_code = 1

    def __init__(self, what: str, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        text = self.what.rstrip(".") + "."
        if self.where:
            text += f"\n  where: {self.where}"
        if self.todo:
            text += f"\n  to do: {self.todo}"
        return text


class BadInput(WatchpostError):
    """The user's words or files cannot be used as they are; exit code 2, nothing was changed."""

    exit_code = 2


def in_words(error: OSError) -> WatchpostError:
    """What the system refused, as the user reads it."""
    where = str(error.filename or "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WatchpostError("the disk is full", where, "make room (`df -h`, old images in the cache) and run the same command again")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadInput(f"this may not be touched: {error.strerror}", where, "run as root")
    return WatchpostError(f"the system refused: {error.strerror or error}", where)

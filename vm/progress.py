"""What the user sees while something runs: stages with their seconds, plain lines or a live line on a terminal."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rich.console import Console

from vm import command
from vm.artefact import Record
from vm.errors import WatchpostError

LOG = logging.getLogger("watchpost")
LOG.addHandler(logging.NullHandler())  # without it, what nobody logs would go to the user
LOG_BYTES = 16 * 2**20
"""Of a log; a full one is kept beside the new one, as NAME.1."""
CONSOLE = Console(stderr=True, highlight=False)


class StageTime(Record):
    """How long a stage took, in seconds of wall-clock time."""

    name: str
    seconds: float
    note: str = ""


class LogFile(RotatingFileHandler):
    """A log of bounded size, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=1)

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)), encoding="utf-8")

    def writes(self, path: Path) -> bool:
        """Whether this is the file at a path now."""
        return self.stream is not None and path.exists() and os.path.samestat(os.fstat(self.stream.fileno()), path.stat())


def logged_to() -> Path | None:
    """The log that was opened last and is still there."""
    found = [Path(one.baseFilename) for one in LOG.handlers if isinstance(one, LogFile) and one.writes(Path(one.baseFilename))]
    return found[-1] if found else None


def log_to(path: Path) -> None:
    """Send the whole story to a file; once, however often it is asked for."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(isinstance(one, LogFile) and one.writes(path) for one in LOG.handlers):
        return  # a command within a command: each line stands there once
    handler = LogFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(threadName)s %(name)s %(message)s"))
    logging.raiseExceptions = False  # a log that cannot be written (the disk is full) must not bury the command's own words under traces
    LOG.setLevel(logging.DEBUG)
    LOG.addHandler(handler)
    for noisy in ("paramiko", "fabric", "invoke"):  # paramiko reports every refused channel; we raise what matters
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def note(text: str) -> None:
    """Tell the user one line, and the log too."""
    LOG.info(text)
    CONSOLE.print(text, markup=False, soft_wrap=True)


class Stages:
    """Collects the stages of one command; safe to use from threads, as each stage is appended once."""

    def __init__(self) -> None:
        self.times: list[StageTime] = []
        self.began = time.monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Run a stage; lines appended to the yielded list stand behind its time. None begins once the command is interrupted."""
        if command.ENDING.is_set():
            raise WatchpostError("interrupted", name)
        remarks: list[str] = []
        start = time.monotonic()
        LOG.info("stage %s begins", name)
        if CONSOLE.is_terminal:
            CONSOLE.print(f"[dim]{self.elapsed():6.0f} s  {name} …[/dim]")
        try:
            yield remarks
        except BaseException:
            note(f"{self.elapsed():6.0f} s  {name} FAILED after {time.monotonic() - start:.1f} s")
            raise
        spent = time.monotonic() - start
        self.times.append(StageTime(name=name, seconds=round(spent, 2), note="; ".join(remarks)))
        note(f"{self.elapsed():6.0f} s  {name}: {spent:.1f} s" + (f" ({'; '.join(remarks)})" if remarks else ""))

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.began

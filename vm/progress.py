"""What the user sees while something runs: stages with their seconds, plain lines or a live line on a terminal."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from vm import command
from vm.artefact import Record
from vm.errors import WatchpostError

LOG = logging.getLogger("watchpost")
CONSOLE = Console(stderr=True, highlight=False)


class StageTime(Record):
    """How long a stage took, in seconds of wall-clock time."""

    name: str
    seconds: float
    note: str = ""


def log_to(path: Path) -> None:
    """Send the whole story to a file of the lab, readable by its owner only; once, however often it is asked for."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    if any(isinstance(one, logging.FileHandler) and one.stream and os.path.samestat(os.fstat(one.stream.fileno()), path.stat()) for one in LOG.handlers):
        return  # a command within a command: each line stands there once
    handler = logging.FileHandler(path)
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

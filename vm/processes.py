"""Processes that a lab owns: known by id and start time, so that a reused id is never taken for them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from vm.artefact import Record
from vm.wait import wait_until


class OwnedProcess(Record):
    """A process this lab started; start_ticks is field 22 of /proc/PID/stat (clock ticks since boot)."""

    pid: int
    start_ticks: int


def start_ticks(pid: int) -> int | None:
    """When a process started, or None when there is none (a zombie counts as none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def owned(pid: int) -> OwnedProcess:
    """Describe a live process; raises ProcessLookupError when it is gone."""
    ticks = start_ticks(pid)
    if ticks is None:
        raise ProcessLookupError(pid)
    return OwnedProcess(pid=pid, start_ticks=ticks)


def alive(process: OwnedProcess) -> bool:
    """Whether the very same process still runs."""
    return start_ticks(process.pid) == process.start_ticks


def children(pid: int) -> list[int]:
    """Ids of a process's children."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def end(process: OwnedProcess, *, first: int = signal.SIGTERM, patience_s: float = 10) -> None:
    """End a process: first a polite signal, after patience_s SIGKILL. Does nothing when it is another's by now."""
    if not alive(process):
        return
    try:
        os.kill(process.pid, first)
        wait_until(lambda: not alive(process), reason="a process to end", deadline_s=patience_s, interval_s=0.1)
    except ProcessLookupError:
        return
    except Exception:
        if alive(process):
            os.kill(process.pid, signal.SIGKILL)
            wait_until(lambda: not alive(process), reason=f"process {process.pid} to end", deadline_s=10, interval_s=0.05)

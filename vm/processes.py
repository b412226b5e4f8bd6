"""Processes that a lab owns: known by id and start time, so that a reused id is never taken for them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from vm.artefact import Record
from vm.errors import WatchpostError
from vm.wait import SYSTEM, Clock, wait_until


class OwnedProcess(Record):
    """A process this lab started; start_ticks is field 22 of /proc/PID/stat (clock ticks since the boot of boot_id)."""

    pid: int
    start_ticks: int
    boot_id: str


def boot_id() -> str:
    """Names this boot of the host."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _state_and_start(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process, None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything, spaces and brackets too
    return fields[0], int(fields[19])


def start_ticks(pid: int) -> int | None:
    """When a process started, or None when there is none (a zombie counts as none)."""
    found = _state_and_start(pid)
    return None if found is None or found[0] in "ZX" else found[1]


def of_child(pid: int) -> OwnedProcess:
    """Describe a child that nobody has reaped yet, dead or alive."""
    found = _state_and_start(pid)
    if found is None:
        raise ProcessLookupError(pid)
    return OwnedProcess(pid=pid, start_ticks=found[1], boot_id=boot_id())


def owned(pid: int) -> OwnedProcess:
    """Describe a live process; raises ProcessLookupError when it is gone."""
    ticks = start_ticks(pid)
    if ticks is None:
        raise ProcessLookupError(pid)
    return OwnedProcess(pid=pid, start_ticks=ticks, boot_id=boot_id())


def alive(process: OwnedProcess) -> bool:
    """Whether the very same process still runs."""
    return start_ticks(process.pid) == process.start_ticks and boot_id() == process.boot_id


def send_signal(process: OwnedProcess, number: int) -> bool:
    """Signal the very same process; False when it does not run any more."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(process):  # asked after the handle was taken: the handle cannot change hands any more
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def name(pid: int) -> str:
    """What a process calls itself (/proc/PID/comm); empty when it is gone, however lately."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """Ids of a process's children."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def end(process: OwnedProcess, *, first: int = signal.SIGTERM, patience_s: float = 10, clock: Clock = SYSTEM) -> bool:
    """End a process: first a polite signal, after patience_s SIGKILL. False: it did not run, or the id is another's by now."""
    if not send_signal(process, first):
        return False
    try:
        _gone(process, patience_s, clock)
    except WatchpostError:
        send_signal(process, signal.SIGKILL)
        _gone(process, 10, clock)
    return True


def reap(child: subprocess.Popen[Any], patience_s: float = 10) -> None:
    """Wait for a child that was told to end; one that does not is killed after patience_s."""
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _gone(process: OwnedProcess, deadline_s: float, clock: Clock) -> None:
    wait_until(
        lambda: not alive(process), reason=f"the end of process {process.pid}", deadline_s=deadline_s, interval_s=0.02, clock=clock
    )

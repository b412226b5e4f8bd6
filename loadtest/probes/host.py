"""The host's CPU time, busy and in all, by CPU: what others take of it is noise, and support cores must not be the bottleneck."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from loadtest.probes import Reading
from loadtest.rig import Rig
from vm import processes
from vm.drivers import container
from vm.lab import KINDS, Lab

TICKS = os.sysconf("SC_CLK_TCK")
OWN_TURNS, AT_FIRST = 5, 30
"""The harness's own processes are looked through every second until the load has begun, for the noise before it, then every fifth: it is dear."""


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """Seconds since the host's start."""
    for line in Path("/proc/stat").read_text().splitlines():
        if not line.startswith("cpu"):
            break
        name, *fields = line.split()
        times = [int(field) for field in fields[:8]]  # guest time is in user time already
        idle = times[3] + times[4]
        label = f"cpu={name.removeprefix('cpu') or 'all'}"
        yield "busy_s", (sum(times) - idle) / TICKS, label
        yield "stolen_s", times[7] / TICKS, label
    if turn < AT_FIRST or turn % OWN_TURNS == 0:
        yield "cpu_s", own_s(machines(rig.lab)), "machine=harness"


def machines(lab: Lab) -> frozenset[int]:
    """The processes below which a lab's containers run: children of the command that started them, whose time is counted by machine."""
    return frozenset(state.supervisor.pid for kind in KINDS if (state := container.running(lab, kind)))


def own_s(apart: Collection[int] = ()) -> float:
    """CPU seconds of this command and of everything that it started and that still runs (the generator), or was waited for; but not of these processes and what is below them."""
    times = os.times()
    total, open_ = times.user + times.system + times.children_user + times.children_system, processes.children(os.getpid())
    while open_:
        pid = open_.pop()
        if pid in apart:
            continue
        open_ += processes.children(pid)
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(fields[number]) for number in (11, 12, 13, 14)) / TICKS
    return total

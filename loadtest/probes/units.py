"""CPU and memory of each systemd unit of the monitor, from its groups and from /proc on the host.

CPU is read every fifth turn. Memory is the proportional set size (PSS): what several processes share, as PostgreSQL's buffers, is counted
once. It is dear to read: every thirtieth turn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from loadtest.probes import Reading
from loadtest.probes.groups import table
from loadtest.rig import Rig
from vm import cgroups

TURNS, MEMORY_TURNS = 5, 30
SERVICES = ("*/system.slice/*.service", "*/system.slice/*.slice/*.service")
"""Of the machine's group: services, and those of templates, which have slices of their own."""


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """All services and what runs below them."""
    if turn % TURNS:
        return
    top = cgroups.groups(rig.lab.name, "monitor")["unified"]
    for group in (path for pattern in SERVICES for path in top.glob(pattern)):
        label = f"unit={group.name.removesuffix('.service')}"
        with contextlib.suppress(FileNotFoundError):
            yield "cpu_s", int(table(group / "cpu.stat")["usage_usec"]) / 1e6, label
            if turn % MEMORY_TURNS == 0:
                yield "pss_mib", sum(pss_kib(pid) for pid in members(group)) / 1024, label


def members(group: Path) -> list[int]:
    """The processes of a group and of those below it."""
    return [int(pid) for path in (group, *group.rglob("*")) if (path / "cgroup.procs").exists() for pid in (path / "cgroup.procs").read_text().split()]


def pss_kib(pid: int) -> int:
    """A process's proportional set size; 0 when it has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)

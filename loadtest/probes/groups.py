"""CPU, memory, pressure and kills of each machine, from its control groups on the host: nothing is run inside for it.

The working set is what is used less the page cache that can be dropped (inactive file pages), as Kubernetes counts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loadtest.probes import Reading
from loadtest.rig import Rig
from vm import cgroups
from vm.lab import KINDS


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """All machines that are containers."""
    v2 = cgroups.is_v2()
    for kind in KINDS:
        found = cgroups.groups(rig.lab.name, kind)
        if not found["unified"].is_dir():
            continue
        label = f"machine={kind}"
        yield "cpu_s", int(table(found["unified"] / "cpu.stat")["usage_usec"]) / 1e6, label
        used, droppable, kills = memory_v2(found["unified"]) if v2 else memory_v1(found["memory"])
        yield "memory_used_mib", used / 2**20, label
        yield "working_set_mib", (used - droppable) / 2**20, label
        yield "oom_kills", kills, label
        for resource in ("cpu", "memory", "io"):
            for share, total_us in pressure(found["unified"] / f"{resource}.pressure").items():
                yield f"{resource}_pressure_{share}_s", total_us / 1e6, label


def table(path: Path) -> dict[str, str]:
    """A file of lines with a name and a value."""
    return dict(line.split(None, 1) for line in path.read_text().splitlines())


def memory_v1(group: Path) -> tuple[int, int, int]:
    """Bytes used, bytes of it that can be dropped, processes killed."""
    stat = table(group / "memory.stat")
    kills = int(table(group / "memory.oom_control").get("oom_kill", 0))
    return int((group / "memory.usage_in_bytes").read_text()), int(stat["total_inactive_file"]), kills


def memory_v2(group: Path) -> tuple[int, int, int]:
    """Bytes used, bytes of it that can be dropped, processes killed."""
    stat = table(group / "memory.stat")
    return int((group / "memory.current").read_text()), int(stat["inactive_file"]), int(table(group / "memory.events")["oom_kill"])


def pressure(path: Path) -> dict[str, int]:
    """Microseconds in which some, or all, of the group's tasks waited."""
    return {line.split()[0]: int(line.rsplit("total=", 1)[1]) for line in path.read_text().splitlines()}

"""CPU, memory, swap, pressure and kills of each machine, from its control groups on the host: nothing is run inside for it.

The working set is what is used less the page cache that can be dropped (inactive file pages), as Kubernetes counts it. The peak is the kernel's
own, since the machine's start, page cache included. Pressure comes from a cgroup2 group, which v1 hosts have as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loadtest.probes import Reading
from loadtest.rig import Rig
from vm import cgroups
from vm.lab import CORE

TURNS = 5


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """All machines that are containers; the monitor in every turn, the others in every fifth."""
    v2 = cgroups.is_v2()
    for kind in CORE if turn % TURNS == 0 else ("monitor",):
        found = cgroups.groups(rig.lab.name, kind)
        if not found["unified"].is_dir():
            continue
        label = f"machine={kind}"
        yield "cpu_s", int(table(found["unified"] / "cpu.stat")["usage_usec"]) / 1e6, label
        yield "throttled_s", throttled_s(found["unified" if v2 else "cpu"], v2=v2), label
        for metric, value in (memory_v2(found["unified"]) if v2 else memory_v1(found["memory"])).items():
            yield metric, value, label
        for resource in ("cpu", "memory", "io"):
            for share, total_us in pressure(found["unified"] / f"{resource}.pressure").items():
                yield f"{resource}_pressure_{share}_s", total_us / 1e6, label


def table(path: Path) -> dict[str, str]:
    """A file of lines with a name and a value."""
    return dict(line.split(None, 1) for line in path.read_text().splitlines())


def throttled_s(group: Path, *, v2: bool) -> float:
    """Seconds that the group's processes waited for their quota, summed over CPUs."""
    stat = table(group / "cpu.stat")
    return int(stat["throttled_usec"]) / 1e6 if v2 else int(stat["throttled_time"]) / 1e9


def number(path: Path) -> int | None:
    """A file with one number; None where the kernel has no such file."""
    return int(path.read_text()) if path.exists() else None


def memory(used: int, droppable: int, peak: int | None, swapped: int | None, kills: int) -> dict[str, float]:
    """Readings of figures in bytes; what the kernel does not count is left out. Pure."""
    found = {"memory_used_mib": used, "working_set_mib": used - droppable, "memory_used_peak_mib": peak, "swap_used_mib": swapped}
    return {name: value / 2**20 for name, value in found.items() if value is not None} | {"oom_kills": float(kills)}


def memory_v1(group: Path) -> dict[str, float]:
    """Memory of a group with the v1 controller."""
    stat = table(group / "memory.stat")
    return memory(
        used=int((group / "memory.usage_in_bytes").read_text()), droppable=int(stat["total_inactive_file"]), peak=number(group / "memory.max_usage_in_bytes"),
        swapped=int(stat["total_swap"]) if "total_swap" in stat else None, kills=int(table(group / "memory.oom_control").get("oom_kill", 0)),
    )  # fmt: skip


def memory_v2(group: Path) -> dict[str, float]:
    """Memory of a group of the unified hierarchy."""
    return memory(
        used=int((group / "memory.current").read_text()), droppable=int(table(group / "memory.stat")["inactive_file"]), peak=number(group / "memory.peak"),
        swapped=number(group / "memory.swap.current"), kills=int(table(group / "memory.events")["oom_kill"]),
    )  # fmt: skip


def pressure(path: Path) -> dict[str, int]:
    """Microseconds in which some, or all, of the group's tasks waited."""
    return {line.split()[0]: int(line.rsplit("total=", 1)[1]) for line in path.read_text().splitlines()}

"""A lab's own control groups: limits for containers, on cgroup v1 hierarchies and on v2 without a systemd to ask.

Groups lie below "watchpost/LAB/KIND" in each hierarchy; nothing else's groups are touched.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from vm.errors import WatchpostError

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000


def is_v2(root: Path = ROOT) -> bool:
    """Whether the host has the unified hierarchy alone."""
    return (root / "cgroup.controllers").exists()


def groups(lab: str, kind: str, root: Path = ROOT) -> dict[str, Path]:
    """The group's directory in each hierarchy that matters here."""
    below = Path("watchpost") / lab / kind
    if is_v2(root):
        return {"unified": root / below}
    return {name: root / name / below for name in ("unified", "cpu", "cpuset", "memory") if (root / name).is_dir()}


def settings(vcpus: float, memory_mib: int, *, v2: bool) -> dict[str, dict[str, str]]:
    """What to write into which hierarchy's group for a limit; 0 means none. Swap gives no way out of a memory limit. Pure."""
    quota = str(int(vcpus * PERIOD_US)) if vcpus else ("max" if v2 else "-1")
    memory = str(memory_mib * 2**20) if memory_mib else ("max" if v2 else "-1")
    if v2:
        return {"unified": {"memory.swap.max": "0" if memory_mib else "max", "memory.max": memory, "cpu.max": f"{quota} {PERIOD_US}"}}
    return {
        "memory": {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
        "cpu": {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": quota},
    }


OPTIONAL = ("memory.memsw.limit_in_bytes", "memory.swap.max")
"""Kernels without accounting of swap lack them."""


def set_limits(found: dict[str, Path], vcpus: float, memory_mib: int, *, v2: bool) -> None:
    """Write a machine's limits, memory first: when that fails, nothing has changed."""
    for hierarchy, files in settings(vcpus, memory_mib, v2=v2).items():
        if hierarchy not in found:
            continue
        there = [(name, value) for name, value in files.items() if name not in OPTIONAL or (found[hierarchy] / name).exists()]
        if hierarchy == "memory" and memory_grows(found["memory"], memory_mib):
            there.reverse()  # a v1 limit of memory may never be above that of memory and swap
        for name, value in there:
            (found[hierarchy] / name).write_text(value)


def memory_grows(group: Path, memory_mib: int) -> bool:
    """Whether a v1 group's limit is to be raised."""
    return not memory_mib or memory_mib * 2**20 > int((group / "memory.limit_in_bytes").read_text())


def enter(lab: str, kind: str, vcpus: float, memory_mib: int, pid: int) -> None:
    """Make the machine's groups, set its limits and move a process into them."""
    v2 = is_v2()
    found = groups(lab, kind)
    for directory in found.values():
        directory.mkdir(parents=True, exist_ok=True)
    if v2:
        there = (ROOT / "cgroup.controllers").read_text().split()
        wanted = " ".join(f"+{name}" for name in ("cpu", "cpuset", "memory") if name in there)
        for parent in (ROOT, ROOT / "watchpost", ROOT / "watchpost" / lab):
            (parent / "cgroup.subtree_control").write_text(wanted)
    elif "cpuset" in found:
        inherit_cpuset(found["cpuset"])
    set_limits(found, vcpus, memory_mib, v2=v2)
    for directory in found.values():
        (directory / "cgroup.procs").write_text(str(pid))


def inherit_cpuset(directory: Path) -> None:
    """A new v1 cpuset takes no process before it has CPUs and memory nodes: those of its parent, from the root down."""
    levels = (directory.parents[1], directory.parents[0], directory)
    for level in levels:
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not (level / name).read_text().strip():
                (level / name).write_text((level.parent / name).read_text())


def resize(lab: str, kind: str, vcpus: float, memory_mib: int, cpus: str = "") -> None:
    """Give a running machine other limits. cpus: the host's CPUs that it may use (as "0" or "1-3"); empty, all of them.

    Page cache that it holds is given back first, as the machine of that size would not have it.

    Raises WatchpostError when the kernel can not take away memory that is in use.
    """
    found, v2 = groups(lab, kind), is_v2()
    todo = "stop what uses the memory, or make the machine anew with this size"
    excess = give_back_cache(found, memory_mib, v2=v2)
    if excess > 0:  # v2 would take the limit and kill
        raise WatchpostError(f"{kind} does not change to {memory_mib} MiB: it uses {excess / 2**20:.0f} MiB more", str(found["unified"]), todo)
    try:
        set_limits(found, vcpus, memory_mib, v2=v2)
    except OSError as error:
        raise WatchpostError(f"{kind} does not change to {memory_mib} MiB: {error.strerror}", str(found.get("memory", found["unified"])), todo) from error
    pin_machine(lab, kind, cpus)


def limited_as(found: dict[str, Path], vcpus: float, memory_mib: int, cpus: str, *, v2: bool) -> bool:
    """Whether a machine's groups hold these limits already and let it run on these CPUs."""
    for hierarchy, files in settings(vcpus, memory_mib, v2=v2).items():
        for name, value in files.items():
            path = found.get(hierarchy, Path()) / name
            if hierarchy in found and path.exists() and path.read_text().strip() != value and not (value == "-1" and int(path.read_text()) > 2**62):
                return False  # a v1 memory limit of -1 reads as a huge number
    pinned = found["unified"] / "cpuset.cpus" if v2 else found.get("cpuset", Path()) / "cpuset.cpus"
    return not pinned.is_file() or pinned.read_text().strip() in ("", cpus)


def restore(lab: str, kind: str, vcpus: float, memory_mib: int) -> bool:
    """Give a running machine its own limits and all CPUs again, where something left it with others; whether it did."""
    found, v2 = groups(lab, kind), is_v2()
    if not found["unified"].is_dir() or limited_as(found, vcpus, memory_mib, online(), v2=v2):
        return False
    resize(lab, kind, vcpus, memory_mib)
    return True


def give_back_cache(found: dict[str, Path], memory_mib: int, *, v2: bool) -> int:
    """Let a group drop page cache; returns by how many bytes a v2 group is above its new limit even so (v1 refuses such a limit itself)."""
    if not v2:
        with contextlib.suppress(OSError):
            (found["memory"] / "memory.force_empty").write_text("0")
        return 0
    current = found["unified"] / "memory.current"
    excess = int(current.read_text()) - memory_mib * 2**20 if memory_mib else 0
    if excess > 0:
        with contextlib.suppress(OSError):
            (found["unified"] / "memory.reclaim").write_text(str(excess))
        excess = int(current.read_text()) - memory_mib * 2**20
    return excess


def pin_machine(lab: str, kind: str, cpus: str) -> None:
    """Let a running machine use these CPUs of the host alone; empty, all of them."""
    found, v2 = groups(lab, kind), is_v2()
    members = found["unified" if v2 else "memory"]
    if v2 and (members / "cpuset.cpus").exists():
        (members / "cpuset.cpus").write_text(cpus or online())
    elif not v2 and "cpuset" in found:
        move_to_cpuset(found["cpuset"], members, cpus or online())
    else:
        set_affinity(members, numbers(cpus or online()))


def move_to_cpuset(group: Path, members: Path, cpus: str) -> None:
    """Let a machine's processes run on these CPUs alone (v1). members: the group that they all are in; group may be new."""
    group.mkdir(parents=True, exist_ok=True)
    inherit_cpuset(group)
    (group / "cpuset.cpus").write_text(cpus)
    for _ in range(20):  # what a machine forks while it is moved comes in the next round; a zombie never moves
        missing = set((members / "cgroup.procs").read_text().split()) - set((group / "cgroup.procs").read_text().split())
        if not missing:
            return
        for pid in missing:
            with contextlib.suppress(OSError):
                (group / "cgroup.procs").write_text(pid)


def set_affinity(members: Path, cpus: set[int]) -> None:
    """Where no cpuset can be used: every thread of every process for itself; what they start later inherits it. They could undo it."""
    for path in (members, *members.rglob("*")):
        if not (path / "cgroup.procs").exists():
            continue
        for pid in (path / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with contextlib.suppress(ProcessLookupError):
                        os.sched_setaffinity(int(thread), cpus)


def numbers(cpus: str) -> set[int]:
    """CPUs of a list as the kernel writes it: "0", "1-3", "0,2-3". Pure."""
    ranges = (word.partition("-") for word in cpus.split(","))
    return {number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)}


def online() -> str:
    """The host's CPUs, as the kernel lists them."""
    return Path("/sys/devices/system/cpu/online").read_text().strip()


def remove(lab: str, kind: str) -> None:
    """Remove a machine's groups (and the lab's, and ours, once empty); processes in them must have ended."""
    for directory in groups(lab, kind).values():
        for path, _, _ in os.walk(directory, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass
        for parent in (directory.parent, directory.parent.parent):
            try:
                parent.rmdir()
            except OSError:
                break

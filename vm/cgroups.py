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
    """What to write into which hierarchy's group for a limit; 0 means none. Pure."""
    quota = str(int(vcpus * PERIOD_US)) if vcpus else ("max" if v2 else "-1")
    memory = str(memory_mib * 2**20) if memory_mib else ("max" if v2 else "-1")
    if v2:
        return {"unified": {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": memory}}
    return {
        "cpu": {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": quota},
        "memory": {"memory.limit_in_bytes": memory},
    }


def enter(lab: str, kind: str, vcpus: float, memory_mib: int, pid: int) -> None:
    """Make the machine's groups, set its limits and move a process into them."""
    v2 = is_v2()
    found = groups(lab, kind)
    for directory in found.values():
        directory.mkdir(parents=True, exist_ok=True)
    if v2:
        for parent in (ROOT, ROOT / "watchpost", ROOT / "watchpost" / lab):
            (parent / "cgroup.subtree_control").write_text("+cpu +cpuset +memory")
    elif "cpuset" in found:
        inherit_cpuset(found["cpuset"])
    for hierarchy, files in settings(vcpus, memory_mib, v2=v2).items():
        for name, value in files.items():
            if hierarchy in found:
                (found[hierarchy] / name).write_text(value)
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

    Page cache that it holds is given back first.

    Raises WatchpostError when the kernel can not take away memory that is in use.
    """
    found, v2 = groups(lab, kind), is_v2()
    if not v2:
        with contextlib.suppress(OSError):
            (found["memory"] / "memory.force_empty").write_text("0")
    for hierarchy, files in settings(vcpus, memory_mib, v2=v2).items():
        for name, value in files.items():
            try:
                (found[hierarchy] / name).write_text(value)
            except OSError as error:
                todo = "stop what uses the memory, or make the machine anew with this size"
                raise WatchpostError(f"{kind} does not shrink to {memory_mib} MiB: {error.strerror}", str(found[hierarchy]), todo) from error
    pin_machine(lab, kind, cpus)


def pin_machine(lab: str, kind: str, cpus: str) -> None:
    """Let a running machine use these CPUs of the host alone; empty, all of them."""
    found, v2 = groups(lab, kind), is_v2()
    pin(found["unified" if v2 else "cpuset"], found["unified" if v2 else "memory"], cpus or online(), v2=v2)


def pin(group: Path, members: Path, cpus: str, *, v2: bool) -> None:
    """Let a machine's processes run on these CPUs alone. members: the group that they all are in."""
    if v2:
        (group / "cpuset.cpus").write_text(cpus)
        return
    group.mkdir(parents=True, exist_ok=True)
    inherit_cpuset(group)
    (group / "cpuset.cpus").write_text(cpus)
    for _ in range(20):  # what a machine forks while it is moved comes in the next round; a zombie never moves
        missing = set((members / "cgroup.procs").read_text().split()) - set((group / "cgroup.procs").read_text().split())
        if not missing:
            return
        for pid in missing:
            with contextlib.suppress(ProcessLookupError, OSError):
                (group / "cgroup.procs").write_text(pid)


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

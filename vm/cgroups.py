"""A lab's own control groups: limits for containers, on cgroup v1 hierarchies and on v2 without a systemd to ask.

Groups lie below "watchpost/LAB/KIND" in each hierarchy; nothing else's groups are touched.
"""

from __future__ import annotations

import os
from pathlib import Path

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
    return {name: root / name / below for name in ("unified", "cpu", "memory") if (root / name).is_dir()}


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
            (parent / "cgroup.subtree_control").write_text("+cpu +memory")
    for hierarchy, files in settings(vcpus, memory_mib, v2=v2).items():
        for name, value in files.items():
            if hierarchy in found:
                (found[hierarchy] / name).write_text(value)
    for directory in found.values():
        (directory / "cgroup.procs").write_text(str(pid))


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

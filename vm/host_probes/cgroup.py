"""Control groups: the version, and whether CPU and memory of a container can be limited."""

from __future__ import annotations

from pathlib import Path

from vm.finding import Finding, Question

NEEDED = frozenset({"cpu", "memory", "cpuset"})


def judge(controllers: str | None, table: str) -> Finding:
    """Read v2's cgroup.controllers (None: not v2) and /proc/cgroups (pure)."""
    if controllers is not None:
        version, found = "2", set(controllers.split())
    else:
        rows = [line.split() for line in table.splitlines() if not line.startswith("#")]
        version, found = "1", {row[0] for row in rows if len(row) == 4 and row[1] != "0" and row[3] == "1"}
    detail = f"version {version}, controllers: {', '.join(sorted(found)) or 'none'}"
    if lacking := NEEDED - found:
        return Finding(
            name="cgroup",
            level="missing",
            detail=f"{detail}; lacking {', '.join(sorted(lacking))}",
            remedy="containers need these controllers: boot without cgroup_disable",
        )
    if version == "1":
        return Finding(
            name="cgroup",
            level="degraded",
            detail=f"{detail}; limits hold, but bytes written are counted for the monitor's own disk alone",
            remedy="boot with systemd.unified_cgroup_hierarchy=1 for version 2",
        )
    return Finding(name="cgroup", level="OK", detail=detail)


def probe(question: Question) -> Finding:
    """What the kernel offers at the usual place."""
    unified = Path("/sys/fs/cgroup/cgroup.controllers")
    table = Path("/proc/cgroups")
    return judge(unified.read_text() if unified.exists() else None, table.read_text() if table.exists() else "")

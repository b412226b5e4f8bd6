"""The last step before systemd-nspawn, run in a private mount namespace: own groups, overlay, cgroup2, exec.

On a host with cgroup v1, /sys/fs/cgroup is replaced (in this namespace alone) by a plain cgroup2 mount: Debian 13's
systemd accepts nothing else. Limits hold all the same, as the process has entered the v1 groups first.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from vm import cgroups
from vm.command import run


def main(plan_file: str) -> None:
    """Become systemd-nspawn as the plan says; does not return."""
    plan = json.loads(Path(plan_file).read_text())
    v2 = cgroups.is_v2()
    cgroups.enter(plan["lab"], plan["kind"], plan["vcpus"], plan["memory_mib"], os.getpid())
    lower, upper, work, merged = plan["overlay"]
    run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", merged])
    if not v2:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in sorted((p for p in points if p.startswith("/sys/fs/cgroup")), key=len, reverse=True):
            run(["umount", point])
        run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"])
    os.execvp(plan["argv"][0], plan["argv"])


if __name__ == "__main__":
    main(sys.argv[1])

"""The last step before systemd-nspawn, run in a private mount namespace: own groups, disk, overlay, cgroup2, exec.

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
from vm.drivers import own_disk


def main(plan_file: str) -> None:
    """Become systemd-nspawn as the plan says; does not return."""
    plan = json.loads(Path(plan_file).read_text())
    v2 = cgroups.is_v2()
    cgroups.enter(plan["lab"], plan["kind"], plan["vcpus"], plan["memory_mib"], os.getpid())
    directory = Path(plan["directory"])
    place = directory
    if plan["own_disk"]:
        (directory / "disk").mkdir(exist_ok=True)
        place = own_disk.mount(directory)
    for name in ("upper", "work"):
        (place / name).mkdir(exist_ok=True)
    where = f"lowerdir={plan['image']},upperdir={place / 'upper'},workdir={place / 'work'}"
    run(["mount", "-t", "overlay", "overlay", "-o", where, directory / "merged"])
    if not v2:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in sorted((p for p in points if p.startswith("/sys/fs/cgroup")), key=len, reverse=True):
            run(["umount", point])
        run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"])
    os.execvp(plan["argv"][0], plan["argv"])


if __name__ == "__main__":
    main(sys.argv[1])

"""What one run of a plugin costs by itself, without the daemon that starts it: fork, exec, its work, exit.

A daemon that is out of CPU carries at most cores / cost checks a second, if starting and reading them cost it nothing. The rest, up to
what was measured beside it, is the daemon's own share.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from provision.ssh import Machine

RUNS = 40
"""Of each plugin, in turn."""
AS = "nagios"
PROGRAM = """
import json, resource, subprocess, sys
asked = json.load(sys.stdin)
cost = dict.fromkeys(asked["argvs"], 0.0)
for number in range(asked["runs"] + 1):
    for name, argv in asked["argvs"].items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if number:  # the first one reads files that the others find in memory
            cost[name] += after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
print(json.dumps({name: seconds / asked["runs"] for name, seconds in cost.items()}))
"""


def measure(machine: Machine, argvs: Mapping[str, Sequence[str]], runs: int = RUNS) -> dict[str, float]:
    """CPU seconds of one run of each, as the account that Icinga's plugins run as. Raises WatchpostError."""
    asked = json.dumps({"argvs": {name: list(argv) for name, argv in argvs.items()}, "runs": runs})
    found = machine.run(["runuser", "-u", AS, "--", "python3", "-c", PROGRAM], input=asked)
    return {name: float(seconds) for name, seconds in json.loads(found.stdout).items()}


def ceiling(cost_s: Mapping[str, float], carried: Mapping[str, int], cores: float) -> float | None:
    """Checks a second that so many cores carry, if a check costs what its plugin does; carried: how often each ran. Pure."""
    total = sum(carried.values())
    mean = sum(cost_s[name] * count for name, count in carried.items()) / total if total else 0.0
    return cores / mean if mean else None

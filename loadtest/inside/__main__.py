"""The one process of a machine: reads its order from standard input, prints a line of JSON every five seconds, ends when its input does.

A line: readings of all probes, what could not be read and why, and the CPU seconds that this process and its children have taken so far.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from pathlib import Path

from loadtest.inside import Place, probes

EVERY_S = 5
"""With 50 hosts, asking every second took more than a hundredth of a core."""


def spent(pid: int) -> float:
    """CPU seconds of a process and of everything below it that runs now, to the nanosecond (a clock tick is too coarse for what this costs)."""
    try:
        total = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return total + sum(spent(int(child)) for child in children)


def main() -> None:
    """Look every so many seconds; after an interval that was missed, at the next one."""
    order = json.loads(sys.stdin.readline())
    found = probes(order["machine"], Place(Path(order["root"]), tuple(order["enter"]), order["secrets"]))
    turn, due = 0, time.monotonic()
    while True:
        readings: list[tuple[str, str, float, str]] = []
        errors: dict[str, str] = {}
        for name, probe in found.items():
            try:
                readings += [(name, metric, float(value), labels) for metric, value, labels in probe.read(turn)]
            except Exception as error:  # one service that is down must not silence the others
                errors[name] = f"{type(error).__name__}: {error}"[:200]
        line = {"readings": readings, "errors": errors, "cpu_s": spent(os.getpid())}
        print(json.dumps(line, separators=(",", ":")), flush=True)
        turn, due = turn + EVERY_S, max(due + EVERY_S, time.monotonic())
        if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            return  # nothing is ever sent after the order: the other side has gone


if __name__ == "__main__":
    main()

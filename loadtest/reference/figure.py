"""What the reference workload took on a machine, in CPU time and in reference units. Pure but for `reference`, which has it run there.

CPU time and not wall-clock time counts: a machine's quota and what else it does meanwhile change how long the workload takes, and hardly
how much of a CPU. Time that a hypervisor steals can be in it; a slow repeat widens the interval.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from loadtest.estimate import Estimate
from provision.ssh import Machine
from vm.artefact import Record
from vm.errors import BadInput, WatchpostError

WORKLOAD = Path(__file__).with_name("workload.py")
VERSION = 1
"""Of the workload that the constants below belong to."""
REFERENCE_S: Mapping[str, float] = {"plugin_starts": 2.46, "tls_json": 0.56, "php_page": 0.46, "sql": 0.52}
UNITS = 100.0
"""A core that does the four parts in the sum of REFERENCE_S (4.0 CPU seconds) has 100 units; one that takes twice as long has 50.

REFERENCE_S: medians of five rounds in November 2026 in Debian 13's image of the monitor on a virtual AMD EPYC (family 26, model 2). Starting
programs is slow on that hypervisor: 2.5 ms a plugin."""
ROUNDS, LIMIT_S = 5, 60.0
SHORT_ROUNDS, SHORT_S = 2, 15.0
WORDS = {
    "plugin_starts": "1,000 plugin starts",
    "tls_json": "TLS and JSON messages",
    "php_page": "PHP page",
    "sql": "SQL",
}


class ReferenceFigure(Record):
    """What one core of a machine does. parts_ms: CPU milliseconds of each part; start_ms: of one fork and exec by class of plugin.

    units: reference units of one core, from the parts that ran. not_run: why a part did not, by its name; a figure without all four
    compares only with others of the same parts. doubts: why it is not to be trusted; empty when it is.
    """

    version: int = 1
    workload: int
    machine: str
    cpu_model: str
    plugin: str
    rounds: int = Field(ge=1)
    seconds: float
    parts_ms: dict[str, Estimate]
    start_ms: dict[str, Estimate]
    units: Estimate | None
    not_run: dict[str, str]
    doubts: tuple[str, ...] = ()

    @property
    def of_all_parts(self) -> float:
        """Units where all four parts ran, 0 otherwise."""
        return self.units.value if self.units and not self.not_run else 0.0


def middle(values: Sequence[float]) -> Estimate:
    """The median; the interval is from the smallest to the largest."""
    return Estimate(value=statistics.median(values), low=min(values), high=max(values), repeats=len(values))


def figure(machine: str, told: Mapping[str, object], *, least_rounds: int, emulated: bool = False) -> ReferenceFigure:
    """The record of what the workload told. Raises ValueError, KeyError or TypeError when it told something else. Pure."""
    raw = json.loads(json.dumps(told))
    cpu_s: dict[str, list[float]] = raw["cpu_s"]
    totals = [sum(one) for one in zip(*cpu_s.values(), strict=True)]
    wanted = sum(REFERENCE_S[part] for part in cpu_s)
    doubts = []
    if raw["workload"] != VERSION:
        doubts.append(f"the workload is number {raw['workload']}, the constants belong to {VERSION}")
    if raw["rounds"] < least_rounds:
        doubts.append(f"{raw['rounds']} rounds fit into the time, {least_rounds} are needed")
    if emulated:
        doubts.append("an emulated CPU's times are not representative")
    if Path(raw["plugin"]).parent == Path("/bin"):
        doubts.append(f"{raw['plugin']} stood in for a plugin")
    return ReferenceFigure(
        workload=raw["workload"], machine=machine, cpu_model=raw["cpu_model"], plugin=raw["plugin"], rounds=raw["rounds"], seconds=round(raw["seconds"], 2),
        parts_ms={part: middle([round(one * 1000, 3) for one in found]) for part, found in cpu_s.items()},
        start_ms={kind: middle([round(one, 4) for one in found]) for kind, found in sorted(raw["start_ms"].items()) if found},
        units=middle([round(UNITS * wanted / one, 2) for one in totals]) if totals else None, not_run=raw["lacking"], doubts=tuple(doubts),
    )  # fmt: skip


def reference(machine: Machine, *, short: bool = False, emulated: bool = False) -> ReferenceFigure:
    """Run the workload on a machine: <= 60 s, <= 15 s for a short one (a round that has begun is ended). Raises WatchpostError when it does not run."""
    rounds, limit_s = (SHORT_ROUNDS, SHORT_S) if short else (ROUNDS, LIMIT_S)
    done = machine.run(
        ["python3", "-", str(rounds), str(limit_s)],
        input=WORKLOAD.read_bytes(),
        timeout_s=2 * limit_s + 20,
        check=False,
    )
    if done.returncode == 127:
        raise BadInput(
            f"{machine.name} has no python3", machine.address, "install it there: the workload is a script for it"
        )
    try:
        if done.returncode:
            raise ValueError(f"exit code {done.returncode}")
        return figure(machine.name, json.loads(done.stdout), least_rounds=rounds, emulated=emulated)
    except (ValueError, KeyError, TypeError) as error:
        tail = " / ".join(done.stderr.strip().splitlines()[-2:])
        raise WatchpostError(
            f"the reference workload failed on {machine.name}: {tail or error}", machine.address
        ) from error

"""What `invoke probe` does: every probe on a running lab for some seconds, the last values, and what probing costs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from rich.table import Column, Table

from loadtest import rig
from loadtest.sampler import Sampler
from loadtest.samples import COST, Sample, rate, rows
from loadtest.soundness import cost_by_part
from vm.artefact import Record
from vm.errors import BadInput
from vm.lab import Lab

COUNTERS = ("_s", "_bytes", "transactions", "commands", "calls")
STARTING_S = 1.5
LEAST_S = 8.0


class Value(Record):
    """The last value of one metric of one thing; per_s: how much it grew in a second, where it was read twice at least."""

    probe: str
    metric: str
    labels: str
    value: float
    per_s: float | None


class Probed(Record):
    """What every probe said last. cost_ratio: CPU seconds that probing took in a second, by who took them; errors: what could not be read, by probe."""

    version: int = 1
    seconds: float
    samples: str
    values: tuple[Value, ...]
    cost_ratio: dict[str, float]
    errors: dict[str, str]

    @property
    def cost(self) -> float:
        """All of it, as a share of one core."""
        return sum(self.cost_ratio.values())


def last(samples: Iterable[Sample]) -> tuple[Value, ...]:
    """The last value of everything, by probe, metric and labels. Pure."""
    found: dict[tuple[str, str, str], list[Sample]] = {}
    for one in samples:
        found.setdefault((one.probe, one.metric, one.labels), []).append(one)
    return tuple(
        Value(probe=key[0], metric=key[1], labels=key[2], value=came[-1].value, per_s=rate(came)) for key, came in sorted(found.items()) if key[0] != COST
    )


def probe(lab: Lab, seconds: float) -> Probed:
    """Read every probe of a running lab for some seconds. Raises BadInput for too few of them."""
    if seconds < LEAST_S:
        raise BadInput(f"{seconds:g} s are too few to see a rate", "--seconds", f"give {LEAST_S:g} or more")
    path = lab.directory / "probes" / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.csv.gz"
    sampler = Sampler(rig.rig(lab), path)
    sampler.start()
    try:
        time.sleep(seconds)
    finally:
        sampler.stop()
    samples = list(rows(path))
    # the first look opens connections and reads what is rare: that is no rate
    settled = samples[0].time_s + STARTING_S if samples else 0.0
    return Probed(seconds=seconds, samples=str(path), values=last(samples), cost_ratio=cost_by_part(samples, settled, float("inf")), errors=sampler.errors)


def table(found: Probed) -> Table:
    """Last values, and under them the cost."""
    shown = Table("probe", "metric", Column("of", overflow="fold"), "value", "a second", box=None, pad_edge=False)
    for one in found.values:
        grows = f"{one.per_s:.4g}" if one.per_s is not None and one.metric.endswith(COUNTERS) else ""
        shown.add_row(one.probe, one.metric, one.labels, f"{one.value:.6g}", grows)
    parts = ", ".join(f"{name} {share:.2%}" for name, share in found.cost_ratio.items())
    lines = [f"probing took {found.cost:.2%} of a core: {parts}", *(f"not read: {name}: {why}" for name, why in sorted(found.errors.items())), f"samples in {Path(found.samples)}"]
    shown.caption = "\n".join(lines)
    return shown

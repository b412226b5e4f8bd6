"""What the bench found, made from its single runs. Pure: the record holds every run, so all of this can be computed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtest.collecting import fit
from loadtest.collecting.icinga import TakenIn
from loadtest.collecting.idle import Idle
from loadtest.collecting.once import WAYS, Kind, Once, Way
from loadtest.estimate import Estimate
from loadtest.run import RanOn
from vm.artefact import Record

KINDS: tuple[Kind, ...] = ("first", "unchanged")
WIDEST = 1.0
"""A ratio whose interval is wider than this many times itself says too little."""
LARGEST_EXPONENT = 1.05
LEAST_RATIO = 20.0


class Heap(Record):
    """Java heap of the Puppet server in one more run, which is not timed: how far it rose while it compiled, and seconds of garbage collection."""

    rise_mib: float
    collecting_s: float


class WayFound(Record):
    """One way at the fleet that is asked about. Seconds are by kind of run: first (every file is new) and unchanged.

    cost_s: what its objects cost: the run with them less the run of the same round with none. parts_s: the same for each part.
    whole_run_s: wall clock of the whole agent run, with objects; empty_run_s: with none. cpu_s: CPU seconds that the objects cost on the Puppet
    server, in its database and on the monitor, all together. queries: of PuppetDB in a run.
    """

    way: Way
    cost_s: dict[str, Estimate]
    parts_s: dict[str, dict[str, Estimate]]
    cpu_s: dict[str, Estimate]
    whole_run_s: dict[str, Estimate]
    empty_run_s: Estimate
    queries: int
    exponent: dict[str, Estimate]
    object_ms: dict[str, float]
    """Milliseconds that one object costs, from the fit."""
    heap: Heap | None = None


class Found(Record):
    """The whole measurement. ratio: of the collectors' cost to ours, the smaller one of the two kinds of run. exponent: ours, the larger one; None where noise
    hides it. invalid: why the figures are not to be trusted; empty when they are. missed: targets that were not reached. differing: objects that are not the same for all ways.
    """

    version: int = 1
    hosts: int
    services: int
    objects: int
    sizes: tuple[int, ...]
    ratio: Estimate
    ratios: dict[str, Estimate]
    queries: Estimate
    exponent: Estimate | None
    ways: tuple[WayFound, ...]
    icinga: tuple[TakenIn, ...]
    idle: Idle
    warmed: int
    seconds: float
    ran_on: RanOn
    differing: tuple[str, ...]
    invalid: tuple[str, ...]
    missed: tuple[str, ...]
    runs: tuple[tuple[int, Once], ...]
    """Every single run with the number of its pass over its way; empty runs open and close each pass."""


def costs(runs: Sequence[tuple[int, Once]], way: Way, kind: Kind, hosts: int, value: str = "cost_s") -> list[float]:
    """What the objects of a fleet cost in each pass of a way: a figure of the run with them less the mean of the pass's empty runs."""
    empty: dict[int, list[float]] = {}
    for number, one in runs:
        if one.way == way and one.kind == "none":
            empty.setdefault(number, []).append(_value(one, value))
    return [_value(one, value) - sum(empty[number]) / len(empty[number]) for number, one in runs if (one.way, one.kind, one.hosts) == (way, kind, hosts)]


def way_found(runs: Sequence[tuple[int, Once]], way: Way, hosts: int, heap: Heap | None = None) -> WayFound:
    """One way's figures."""
    mine = [one for _, one in runs if one.way == way]
    scaling = {kind: _by_size(runs, way, kind) for kind in KINDS}
    exponents = {kind: fit.exponent(found) for kind, found in scaling.items() if len(found) > 1 and all(fit.median(it).value > 0 for it in found.values())}
    return WayFound(
        way=way,
        cost_s={kind: fit.median(costs(runs, way, kind, hosts)) for kind in KINDS},
        parts_s={kind: {part: fit.median(costs(runs, way, kind, hosts, part)) for part in ("compile_s", "apply_s", "other_s", "store_s", "query_s")} for kind in KINDS},
        cpu_s={kind: fit.median(costs(runs, way, kind, hosts, "cpu_s")) for kind in KINDS},
        whole_run_s={kind: fit.median([one.seconds for one in mine if one.kind == kind and one.hosts == hosts]) for kind in KINDS},
        empty_run_s=fit.median([one.seconds for one in mine if one.kind == "none"]),
        queries=max(one.queries for one in mine if one.kind != "none"),
        exponent=exponents,
        object_ms={kind: round(1000 * fit.factor(scaling[kind], exponents[kind].value), 4) for kind in exponents},
        heap=heap,
    )  # fmt: skip


def ratios(runs: Sequence[tuple[int, Once]], hosts: int) -> dict[str, Estimate]:
    """How many times our cost is that of the collectors, by kind of run."""
    return {kind: fit.ratio(costs(runs, "realise", kind, hosts), costs(runs, "query", kind, hosts)) for kind in KINDS}


def invalid(runs: Sequence[tuple[int, Once]], hosts: int, found: Mapping[str, Estimate], differing: Sequence[str]) -> tuple[str, ...]:
    """Why nothing should be concluded."""
    why = [f"Icinga's objects differ: {differing[0]}"] if differing else []
    for kind, one in found.items():
        if one.high - one.low > WIDEST * one.value:
            why.append(f"too noisy: the ratio of the {kind} run is {one.value:.1f} and may be anything from {one.low:.1f} " + (f"to {one.high:.1f}" if one.high < fit.ENDLESS else "up"))
    for way in WAYS:
        for kind in KINDS:
            cost = fit.median(costs(runs, way, kind, hosts))
            if cost.low <= 0:
                why.append(f"too noisy: what objects cost {way} in the {kind} run may be nothing ({cost.low:.2f} s)")
    changed = max(one.changed for _, one in runs if one.kind == "unchanged")
    if changed:
        why.append(f"an unchanged run changed {changed} resources")
    return tuple(why)


def missed(ratio: Estimate, exponent: Estimate | None, queries: int, idle: Idle) -> tuple[str, ...]:
    """Targets that were not reached, in words."""
    told = []
    if ratio.value < LEAST_RATIO:
        told.append(f"the collectors cost {ratio.value:.1f} times as much, not {LEAST_RATIO:.0f}")
    if exponent and exponent.value > LARGEST_EXPONENT:
        told.append(f"the exponent is {exponent.value:.3f}, not at most {LARGEST_EXPONENT}")
    if queries != 1:
        told.append(f"{queries} queries for the monitoring data, not 1")
    if not idle.left_alone:
        told.append("a run of the monitor with nothing to do did something")
    return tuple(told)


def _value(one: Once, name: str) -> float:
    if name == "cpu_s":
        return one.server_cpu_s + one.database_cpu_s + one.agent_cpu_s
    return float(getattr(one, name))


def _by_size(runs: Sequence[tuple[int, Once]], way: Way, kind: Kind) -> dict[int, list[float]]:
    sizes = {one.hosts: one.objects for _, one in runs if one.way == way and one.kind == kind}
    return {objects: costs(runs, way, kind, hosts) for hosts, objects in sizes.items()}

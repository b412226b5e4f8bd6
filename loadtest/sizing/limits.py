"""Which resource ends first, and at what multiple of today's load each one does. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from loadtest.run import Run
from loadtest.sizing import metrics
from loadtest.sizing.edge import Edge
from loadtest.sizing.model import Model
from loadtest.sizing.trial import RAMP
from vm.artefact import Record

Resource = Literal["cpu", "memory"]


class Limit(Record):
    """Where a resource ends, as a multiple of today's load.

    How it is known: measured (it broke there), at least (the ramp ended before it did), or predicted by a line.
    """

    resource: Resource
    multiple: float
    how: Literal["measured", "at least", "predicted, not run"]
    evidence: str


def limits(runs: Iterable[Run], model: Model) -> tuple[Limit, ...]:
    """What the newest ramp shows, and lines for the resources that it did not exhaust; the nearest first. Empty without a ramp."""
    made = list(runs)
    ramps = [run for run in made if run.scenario == RAMP and run.verdict != "invalid" and {metrics.BROKE_AT_MULTIPLE, metrics.CARRIED_MULTIPLE} & run.metrics.keys()]
    if not ramps:
        return ()
    ramp = ramps[-1]
    if metrics.BROKE_AT_MULTIPLE in ramp.metrics:
        broken = ramp.first_broken()
        measured = Limit(
            resource="memory" if broken and broken.objective.resource == "memory" else "cpu",
            multiple=ramp.metrics[metrics.BROKE_AT_MULTIPLE].value,
            how="measured",
            evidence=f"run {ramp.name} broke {broken.objective.name if broken else 'an objective'}",
        )
    else:
        carried = ramp.metrics[metrics.CARRIED_MULTIPLE].value
        measured = Limit(resource="cpu", multiple=carried, how="at least", evidence=f"run {ramp.name} carried it in its last step; the generator sends no more")
    other = _memory(ramp, made, model) if measured.resource == "cpu" else _cpu(ramp, model)
    return tuple(sorted([measured, *other], key=lambda one: one.multiple))


def _cpu(ramp: Run, model: Model) -> list[Limit]:
    """Until all vCPUs are busy, by CPU seconds a check."""
    if model.cpu_cores is None or not model.cpu_cores.slope.high or not ramp.load.results_per_s:
        return []
    results = max(0.0, ramp.size.vcpus - model.cpu_cores.base) / model.cpu_cores.slope.high
    return [Limit(resource="cpu", multiple=results / ramp.load.results_per_s, how="predicted, not run", evidence="CPU seconds a check, all vCPUs busy")]


def _memory(ramp: Run, runs: list[Run], model: Model) -> list[Limit]:
    """Until the highest peak of any scenario on this size fills it, by MiB a host: here the multiple is one of hosts."""
    same = [run for run in runs if run.size == ramp.size and run.load.hosts == ramp.load.hosts and run.verdict == "passed"]
    peaks = [run.metrics[metrics.MEMORY_PEAK_MIB].value for run in same if metrics.MEMORY_PEAK_MIB in run.metrics]
    if model.memory_mib is None or not model.memory_mib.slope.high or not peaks:
        return []
    hosts = max(0.0, ramp.size.memory_mib - max(peaks)) / model.memory_mib.slope.high
    return [
        Limit(
            resource="memory",
            multiple=1 + hosts / ramp.load.hosts,
            how="predicted, not run",
            evidence=f"room above the highest peak ({max(peaks):.0f} MiB), MiB a host",
        )
    ]


def limiting(edges: Iterable[Edge], known: Iterable[Limit]) -> str | None:
    """The resource that bites first: that of the ramp where there is one, else the one in which every edge broke, else the nearest.

    None where nothing broke.
    """
    for limit in known:
        return limit.resource
    broke = [edge.broken.objective.resource for edge in edges if edge.proven and edge.broken]
    named = [resource for resource in broke if resource != "any"]
    return named[0] if named else next((edge.axis for edge in edges if edge.proven), None)

"""A size that no run has shown: from lines, or from the runs of one larger size. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from loadtest.run import Load, Run
from loadtest.sizing import metrics
from loadtest.sizing.headroom import knee
from loadtest.sizing.lattice import VCPUS, measurable, up_to_step
from loadtest.sizing.model import Model
from vm.artefact import Record


class Predicted(Record):
    """A size that this host can not measure, or that no run has shown yet."""

    vcpus: float | None
    memory_mib: int | None
    how: Literal["predicted, not run"] = "predicted, not run"


def predict(load: Load, model: Model) -> Predicted | None:
    """The size that the lines ask for where no measured one passed; its bursts are not known, its average use is."""
    cores, memory = model.cpu_cores_at(load), model.memory_mib_at(load.hosts)
    if cores is None and memory is None:
        return None
    vcpus = next((one for one in VCPUS if cores.high <= one), None) if cores else None
    return Predicted(vcpus=vcpus, memory_mib=up_to_step(memory.high) if memory else None)


class Larger(Record):
    """A size above what this host can measure: how many times today's load it should carry, its average use at the knee. least: it is no more than what fewer vCPUs were seen to carry."""

    vcpus: float
    multiple: float
    least: bool = False
    how: Literal["predicted, not run"] = "predicted, not run"


def larger(load: Load, model: Model, cores: int, carried: float = 0) -> tuple[Larger, ...]:
    """The vCPUs of the lattice that a host of so many cores can not measure, by CPU seconds a check. carried: the multiple that fewer vCPUs were seen to carry.

    The slope's upper end counts, and from few runs at low load it is high: a prediction below `carried` says nothing.
    """
    line = model.cpu_cores
    if line is None or not line.slope.high or not load.results_per_s:
        return ()
    beyond = [vcpus for vcpus in VCPUS if vcpus not in measurable(cores)]
    predicted = {vcpus: max(0.0, knee(vcpus) * vcpus - line.base) / line.slope.high / load.results_per_s for vcpus in beyond}
    return tuple(Larger(vcpus=vcpus, multiple=max(carried, multiple), least=multiple < carried) for vcpus, multiple in predicted.items())


def estimate(runs: Iterable[Run]) -> Predicted | None:
    """What the passing runs of one size suggest: its highest peak of memory, and vCPUs so few that no time objective breaks.

    Times that CPU bounds are taken to grow as vCPUs shrink; average use stays below the knee. The upper ends of intervals count.
    """
    passed = [run for run in runs if run.verdict == "passed"]
    peaks = [run.metrics[metrics.MEMORY_PEAK_MIB].high for run in passed if metrics.MEMORY_PEAK_MIB in run.metrics]
    cores = [
        run.size.vcpus * outcome.value.high / outcome.objective.target
        for run in passed
        for outcome in run.outcomes
        if outcome.value and outcome.objective.resource == "cpu" and outcome.objective.bound == "at most" and outcome.objective.target > 0
    ]
    busy = [run.metrics[metrics.CPU_CORES].high for run in passed if metrics.CPU_CORES in run.metrics]
    if not peaks or not cores or not busy:
        return None
    vcpus = next((one for one in VCPUS if one >= max(cores) and max(busy) <= knee(one) * one), None)
    return Predicted(vcpus=vcpus, memory_mib=up_to_step(max(peaks)))

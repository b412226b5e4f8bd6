"""What a fleet costs, as lines: CPU over results a second, memory over hosts, bytes over state changes. Pure.

Fitted on runs of at most FIT_HOSTS hosts on one size of the machine, the largest there is; larger fleets are predicted and set beside
what was measured on that size. CPU is in cores of the CPU that was measured, and in reference units where bench.host was run in the same runs.
"""

from __future__ import annotations

from collections.abc import Iterable

from loadtest.estimate import Estimate
from loadtest.run import Load, Run
from loadtest.sizing import metrics
from loadtest.sizing.line import Line, fit, mean
from vm.artefact import Record

FIT_HOSTS = 20


class Model(Record):
    """Lines are None where runs do not tell them. reference_units: of one core in the fitted runs, None if not measured in all.

    vcpus and memory_mib_size: the size on which it was fitted, None without runs.
    """

    runs: tuple[str, ...]
    vcpus: float | None
    memory_mib_size: int | None
    cpu_cores: Line | None
    """Over results a second; its slope is CPU seconds a check."""
    memory_mib: Line | None
    """Peak, PostgreSQL apart, over hosts; its slope is MiB a host."""
    database_mib: float = 0
    """The highest peak of PostgreSQL in all runs."""
    collect_s: Line | None
    """The whole collecting run over hosts."""
    bytes_per_state_change: Estimate | None
    reference_units: float | None

    def cpu_cores_at(self, load: Load) -> Estimate | None:
        """Cores of the measured CPU that a load needs on average."""
        return self.cpu_cores.at(load.results_per_s) if self.cpu_cores else None

    def memory_mib_at(self, hosts: int) -> Estimate | None:
        """Peak MiB with this many hosts, PostgreSQL at the most that it was seen to take."""
        return self.memory_mib.at(hosts).plus(self.database_mib) if self.memory_mib else None

    def units_at(self, load: Load) -> Estimate | None:
        """Reference units that a load needs on average."""
        cores = self.cpu_cores_at(load)
        return scaled(cores, self.reference_units) if cores and self.reference_units else None

    def units_per_check(self) -> Estimate | None:
        """Reference-unit seconds a check result."""
        return scaled(self.cpu_cores.slope, self.reference_units) if self.cpu_cores and self.reference_units else None


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """An estimate in other units."""
    return Estimate(value=estimate.value * factor, low=estimate.low * factor, high=estimate.high * factor, repeats=estimate.repeats)


def fit_model(runs: Iterable[Run]) -> Model:
    """The model of what these runs measured; only passed runs of at most FIT_HOSTS hosts on the largest size count.

    Bytes a state change do not depend on the fleet: they come from every run that was not invalid.
    """
    made = list(runs)
    small = [run for run in made if run.verdict == "passed" and 0 < run.load.hosts <= FIT_HOSTS]
    largest = max((_size(run) for run in small), default=None)
    sound = [run for run in small if _size(run) == largest]
    steady = [run for run in sound if run.scenario == "steady"]
    collect = [run for run in sound if run.scenario == "collect"]
    units = {run.ran_on.reference_units for run in steady}
    by_load = [(run.load.results_per_s, run.metrics[metrics.CPU_CORES].value) for run in steady if metrics.CPU_CORES in run.metrics]
    return Model(
        runs=tuple(sorted(run.name for run in sound)),
        vcpus=largest[0] if largest else None,
        memory_mib_size=largest[1] if largest else None,
        cpu_cores=fit(by_load),
        memory_mib=fit([(float(run.load.hosts), metrics.apart_from_database(run).value) for run in steady if metrics.MEMORY_PEAK_MIB in run.metrics]),
        database_mib=max((metrics.database_mib(run) for run in made if run.verdict == "passed"), default=0.0),
        collect_s=fit(_over_hosts(collect, metrics.COLLECT_S)),
        bytes_per_state_change=mean(
            [run.metrics[metrics.BYTES_PER_STATE_CHANGE].value for run in made if run.verdict != "invalid" and metrics.BYTES_PER_STATE_CHANGE in run.metrics]
        ),
        reference_units=sum(units) / len(units) if units and min(units) > 0 else None,
    )


def _size(run: Run) -> tuple[float, int]:
    return run.size.vcpus, run.size.memory_mib


def _over_hosts(runs: Iterable[Run], name: str) -> list[tuple[float, float]]:
    return [(float(run.load.hosts), run.metrics[name].value) for run in runs if name in run.metrics]


def _figures(runs: Iterable[Run], name: str) -> list[Estimate]:
    return [run.metrics[name] for run in runs if name in run.metrics]


class Compared(Record):
    """A prediction beside the measurement. agree: whether the measured value lies in the predicted interval; None if not measured."""

    what: str
    unit: str
    predicted: Estimate
    measured: Estimate | None
    agree: bool | None


def compare(model: Model, load: Load, runs: Iterable[Run]) -> tuple[Compared, ...]:
    """Predictions for a load that is larger than what was fitted, beside runs of exactly that load on the size of the fit."""
    if load.hosts <= FIT_HOSTS:
        return ()
    same = [run for run in runs if run.load == load and run.verdict == "passed" and _size(run) == (model.vcpus, model.memory_mib_size)]
    steady = [run for run in same if run.scenario == "steady"]
    collect = [run for run in same if run.scenario == "collect"]
    apart = [metrics.apart_from_database(run) for run in steady if metrics.MEMORY_PEAK_MIB in run.metrics]
    wanted: tuple[tuple[str, str, Estimate | None, list[Estimate]], ...] = (
        ("CPU while steady", "cores", model.cpu_cores_at(load), _figures(steady, metrics.CPU_CORES)),
        ("memory peak while steady, PostgreSQL apart", "MiB", model.memory_mib.at(load.hosts) if model.memory_mib else None, apart),
        ("collecting Puppet run", "s", model.collect_s.at(load.hosts) if model.collect_s else None, _figures(collect, metrics.COLLECT_S)),
    )
    found = []
    for what, unit, predicted, values in wanted:
        if predicted is None:
            continue
        measured = values[0] if len(values) == 1 else mean([one.value for one in values])
        agree = None if measured is None else predicted.low <= measured.value <= predicted.high
        found.append(Compared(what=what, unit=unit, predicted=predicted, measured=measured, agree=agree))
    return tuple(found)

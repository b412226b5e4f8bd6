"""A simulated machine: a pure model of what a size carries, with noise from a seed. For tests and examples, never for an answer.

Every run says so: its cpu_model is "simulated machine". Figures are made up, and only roughly of the right order.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

from loadtest.estimate import Estimate
from loadtest.objective import Objective, judge, verdict_of
from loadtest.run import Load, Phase, RanOn, Run
from loadtest.sizing.answer import SIMULATED
from loadtest.sizing.trial import Length, Trial
from vm.hosting import HostingSpec

UNITS = {"icinga2": 0.57, "icingadb": 0.16, "valkey": 0.08, "php-fpm": 0.19}
"""Share of the peak by unit, the database apart."""
DATABASE_MIB = 62.0
"""Of the peak: it does not depend on the fleet."""

OBJECTIVES = {
    "steady": (
        Objective(name="goodput", metric="goodput_ratio", bound="at least", target=0.999, resource="cpu"),
        Objective(name="lateness p99", metric="lateness_p99_s", bound="at most", target=5, resource="cpu"),
    ),
    "collect": (Objective(name="collecting run", metric="collect_s", bound="at most", target=30, resource="cpu"),),
    "reload": (Objective(name="blind seconds", metric="blind_s", bound="at most", target=10, resource="cpu"),),
    "outage": (Objective(name="backlog drained", metric="drain_s", bound="at most", target=120, resource="cpu"),),
    "people": (
        Objective(name="overview p95", metric="overview_p95_s", bound="at most", target=1, resource="cpu"),
        Objective(name="goodput", metric="goodput_ratio", bound="at least", target=0.999, resource="cpu"),
    ),
    "storm": (Objective(name="goodput", metric="goodput_ratio", bound="at least", target=0.999, resource="cpu"),),
    "ramp": (Objective(name="goodput", metric="goodput_ratio", bound="at least", target=0.999, resource="cpu"),),
}
MEMORY = Objective(name="memory pressure", metric="memory_pressure_full_ratio", bound="at most", target=0.01, resource="memory")
EXTRA_MIB = {"steady": 0.0, "collect": 62.0, "reload": 84.0, "outage": 40.0, "people": 55.0, "ramp": 10.0, "storm": 30.0}
LASTS_S = {"short": 60.0, "full": 600.0}


@dataclass
class Machine:
    """What the model is made of: CPU seconds a result, MiB a host and so on. noise: relative spread; invalid: share of invalid runs."""

    cpu_s_per_result: float = 0.0058
    cpu_base: float = 0.018
    mib_base: float = 236.0
    mib_per_host: float = 1.7
    collect_cpu_s: float = 3.1
    collect_cpu_s_per_object: float = 0.0062
    boots_at_mib: int = 192
    bytes_per_change: float = 1260.0
    noise: float = 0.02
    invalid: float = 0.0
    seed: int = 1
    accelerator: str = "none"
    asked: list[str] = field(default_factory=list)
    """Every run that was made, in words."""

    def at(self, load: Load) -> Trial:
        """The trial function for a load."""

        def trial(size: HostingSpec, scenario: str, *, length: Length, repeat: int) -> Run:
            return self.run(size, load, scenario, length, repeat)

        return trial

    def run(self, size: HostingSpec, load: Load, scenario: str, length: Length, repeat: int) -> Run:
        """One run; the same arguments and seed give the same run but for the time at which it began."""
        word = f"{scenario}-{size.vcpus:g}-{size.memory_mib}-{load.hosts}x{load.multiple:g}-{length}-{repeat}"
        chance = random.Random(int.from_bytes(hashlib.sha256(f"{self.seed}/{word}".encode()).digest()[:8], "big"))
        self.asked.append(word)
        values = self.values(size, load, scenario, chance)
        if scenario == "storm":
            values["hard_state_changes"] = 33 * LASTS_S[length]
        unsound = ("the support cores were above 70 %",) if chance.random() < self.invalid else ()
        metrics = {name: self.measured(value, chance) for name, value in sorted(values.items())}
        outcomes = tuple(judge(one, metrics) for one in (*OBJECTIVES[scenario], MEMORY))
        lasts = LASTS_S[length]
        return Run(
            name=f"sim-{len(self.asked):03d}-{word}",
            scenario=scenario,
            began_at=1_790_000_000.0 + 700 * len(self.asked),
            seed=self.seed,
            size=size,
            load=load,
            ran_on=RanOn(
                cpu_model=SIMULATED, cores=2, memory_mib=8192, driver="container", accelerator=self.accelerator, lock_sha256="0" * 64, reference_units=100.0
            ),
            phases=(Phase(name="warm-up", begins_s=0, ends_s=30), Phase(name="steady", begins_s=30, ends_s=30 + lasts)),
            metrics=metrics,
            outcomes=outcomes,
            unsound=unsound,
            verdict=verdict_of(outcomes, unsound),
        )

    def values(self, size: HostingSpec, load: Load, scenario: str, chance: random.Random) -> dict[str, float]:
        """What the model measures, before it is rounded and given intervals."""
        noisy = lambda value: value * chance.lognormvariate(0, self.noise)  # noqa: E731
        wanted = noisy(self.cpu_base + self.cpu_s_per_result * load.results_per_s)
        peak = noisy(self.mib_base + self.mib_per_host * load.hosts + EXTRA_MIB[scenario])
        busy = min(0.999, wanted / size.vcpus)
        short_mib = max(0.0, peak - size.memory_mib)
        found = {
            "cpu_cores": min(wanted, size.vcpus),
            "memory_peak_mib": min(peak, float(size.memory_mib)),
            "memory_pressure_full_ratio": min(1.0, short_mib / 300),
            "results_per_s": load.results_per_s * min(1.0, size.vcpus / wanted),
            "goodput_ratio": min(1.0, size.vcpus / wanted),
            "lateness_p50_s": 0.02 / (1 - busy),
            "lateness_p90_s": 0.08 / (1 - busy),
            "lateness_p99_s": 0.2 / (1 - busy),
            "memory_peak_postgresql_mib": DATABASE_MIB,
            **{f"memory_peak_{unit}_mib": (min(peak, float(size.memory_mib)) - DATABASE_MIB) * share for unit, share in UNITS.items()},
        }
        objects = load.hosts * load.services
        free = max(0.02, size.vcpus - wanted / 2)
        if scenario == "collect":
            found["collect_s"] = noisy(self.collect_cpu_s + self.collect_cpu_s_per_object * objects) / free
        elif scenario == "reload":
            found["blind_s"] = noisy(0.4 + 0.0012 * objects) / free
        elif scenario == "outage":
            found["drain_s"] = noisy(2 + 0.018 * objects) / free
        elif scenario == "people":
            found["overview_p95_s"] = noisy(0.12 + 0.00004 * objects) / free
        elif scenario == "ramp":
            found["carried_multiple"] = float(int((size.vcpus - self.cpu_base) / (self.cpu_s_per_result * load.results_per_s)))
            found["broke_at_multiple"] = found["carried_multiple"] + 1
            found["goodput_ratio"] = found["carried_multiple"] / found["broke_at_multiple"]
        if scenario == "storm":
            found["disk_bytes_per_state_change"] = noisy(self.bytes_per_change)
            found["disk_base_mib"] = 1460.0
        return found

    def measured(self, value: float, chance: random.Random) -> Estimate:
        """A value with an interval as a run would give it."""
        half = abs(value) * self.noise * (1 + chance.random())
        middle = round(value, 5)
        return Estimate(value=middle, low=min(middle, round(value - half, 5)), high=max(middle, round(value + half, 5)), repeats=1)

"""One run of one scenario on a rig: load, event, observation, verdict; the record and its raw data are kept."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

from loadtest import fleet_load, machine_size, measuring, soundness, uplink
from loadtest.database_delay import DatabaseDelay
from loadtest.estimate import Estimate
from loadtest.generator import Generated, Generator, Rendezvous
from loadtest.lateness import Listener, packed
from loadtest.load_spec import LoadSpec
from loadtest.objective import judge, verdict_of
from loadtest.ran_on import ran_on
from loadtest.rig import Rig, instead_of_the_fleet
from loadtest.run import Load, Phase, Run
from loadtest.sampler import Sampler
from loadtest.scenarios import Length, Scenario
from provision import checks, icinga_api, pushing
from vm.artefact import save, write_file
from vm.progress import note

COOL_DOWN_S = 7.0
"""After the window: results that are on their way arrive, and Icinga's event stream, which lags by up to 5 s, tells of them."""

BEFORE_S = 8.0
"""Before the load, in which PuppetDB's counters are looked at once at least: that happens every fifth second."""


class Observed:
    """Everything that watches one load, started and stopped together."""

    def __init__(self, rig: Rig, directory: Path) -> None:
        self.sampler = Sampler(rig, directory / "samples.csv.gz")
        self.listener = Listener(pushing.access(rig.lab, rig.work.plan.nodes, rig.work.plan.ca), f"watchpost-{directory.name}")
        self.database = DatabaseDelay(checks.ssh_argv(rig.lab, "monitor"), directory / "state-history.psql")

    def start(self) -> None:
        """Begin to watch."""
        self.listener.start()
        self.database.start()
        self.sampler.start()

    def stop(self) -> None:
        """End it."""
        self.sampler.stop()
        self.listener.stop()
        self.database.stop()


def observe(
    rig: Rig, scenario: Scenario, *, length: Length, seconds: float = 0, multiple: float = 1, seed: int = 1, workers: int = 1, directory: Path,
    reference_units: float = 0,
) -> Run:  # fmt: skip
    """Run a scenario. seconds: another length of the measured part. reference_units: of one core of the monitor.

    Raises WatchpostError when load or lab do not work at all.
    """
    window_s = seconds or scenario.seconds[length]
    ends_s = scenario.warm_up_s + window_s
    actors, streams = scenario.load(rig, ends_s + COOL_DOWN_S, multiple)
    spec = LoadSpec(seed=seed, actors=tuple(actors), streams=tuple(streams), workers=workers, directory=directory, patience_s=30)
    others = machine_size.limit(rig, rig.options.spec)
    namespace = str(rig.namespace)
    generator = Generator(spec, Rendezvous(master=namespace, workers=(namespace,)), machine_size.numbers(others))
    watched = Observed(rig, directory)
    uplink.mend(rig)
    wait_uptime(rig, scenario.uptime_s - scenario.warm_up_s - window_s * scenario.event_at)
    happened: dict[str, Estimate] = {}
    note(f"{scenario.name}: {scenario.what}; {len(actors)} actors, {scenario.warm_up_s:.0f} s warm-up, {window_s:.0f} s measured")
    with machine_size.harness_on(others), instead_of_the_fleet(rig):
        try:
            watched.start()
            generator.start()
            begin = generator.begins()
            if scenario.event:
                time.sleep(max(0.0, begin + scenario.warm_up_s + window_s * scenario.event_at - time.monotonic()))
                happened = scenario.event(rig, length)
            found = generator.result()
            time.sleep(max(0.0, begin + ends_s + COOL_DOWN_S - time.monotonic()))
        finally:
            generator.stop()
            watched.stop()
    warm_s = measuring.warmed_up_s(watched.sampler.samples, found.began_at, scenario.warm_up_s, window_s, scenario.even_s(window_s))
    begins_s = scenario.warm_up_s if warm_s is None else warm_s
    phases = (Phase(name="warm-up", begins_s=0, ends_s=begins_s), Phase(name="steady", begins_s=begins_s, ends_s=ends_s))
    load = Load(hosts=len(rig.hosts), services=rig.options.services, interval_s=60, multiple=multiple)
    run = judged(
        rig, scenario, spec, found, watched, happened, phases, load, machine_size.numbers(others) if others else [], directory.name,
        warm=warm_s is not None, reference_units=reference_units,
    )  # fmt: skip
    write_file(directory / "results.csv.gz", packed(watched.listener.seen))
    save(run, directory / "run.json")
    return run


def wait_uptime(rig: Rig, seconds: float) -> None:
    """Wait until Icinga has run for so long."""
    if seconds <= 0:
        return
    remaining_s = seconds - icinga_api.status(pushing.access(rig.lab, rig.work.plan.nodes, rig.work.plan.ca)).uptime_s
    if remaining_s > 0:
        note(f"waiting {remaining_s:.0f} s: Icinga shall have run for {seconds:.0f} s")
        time.sleep(remaining_s)


def judged(
    rig: Rig, scenario: Scenario, spec: LoadSpec, found: Generated, watched: Observed, happened: dict[str, Estimate],
    phases: tuple[Phase, ...], load: Load, support: list[int], name: str, *, warm: bool,
    reference_units: float,
) -> Run:  # fmt: skip
    """The record of a load that has ended."""
    steady = phases[-1]
    begins, ends = found.began_at + steady.begins_s, found.began_at + steady.ends_s
    due = fleet_load.due(spec, found.began_at, steady.begins_s, steady.ends_s)
    samples, seen = watched.sampler.samples, watched.listener.seen
    figures = measuring.of_results(due, seen, ends - begins) | measuring.of_load(found) | measuring.of_machine(samples, begins, ends) | measuring.of_mails(samples, begins, ends)
    changes = watched.database.between(begins, ends)
    if changes.count:
        figures |= {"to_database_p99_s": changes.quantile(0.99), "state_changes": float(changes.count)}
    busy = soundness.support_busy(samples, support, begins, ends)
    others = soundness.noise(samples, begins, ends)
    stored = measuring.of_puppetdb(samples, found, found.began_at - BEFORE_S, math.inf)
    figures |= stored | {"support_busy_ratio": busy, "probe_cpu_ratio": soundness.probe_cost(samples, begins, ends)}
    unseen = measuring.of_silence(due, seen)
    metrics = measuring.estimates(figures) | unseen | happened | (scenario.analyse(rig, happened, due, seen, samples, begins) if scenario.analyse else {})
    outcomes = tuple(judge(objective, metrics) for objective in scenario.objectives)
    failed = any(one.verdict == "failed" for one in outcomes)
    # a machine that breaks does not settle, and its event stream may break off with it: that is its failure, not a doubt
    gaps = 0 if scenario.event or failed else len(watched.listener.gaps)
    reasons = soundness.of_run(
        found, gaps=gaps, busy=busy, noise=others, own_cores=bool(support), accelerator=rig.options.accelerator, warm=warm or failed
    )
    before = soundness.noise(samples, 0, found.began_at)
    reasons += soundness.of_samples(samples, begins, ends, cores=os.cpu_count() or 1, noise_before=before)
    reasons += soundness.of_puppetdb(stored)
    return Run(
        name=name, scenario=scenario.name, began_at=found.began_at, seed=spec.seed, size=rig.options.spec, load=load,
        ran_on=ran_on(rig.options, reference_units=reference_units, noise_before=before, noise_during=others), phases=phases, metrics=metrics, outcomes=outcomes, unsound=reasons,
        verdict=verdict_of(outcomes, reasons), errors={f"{what}: {text}": count for what, kind in sorted(found.kinds.items()) for text, count in sorted(kind.errors.items())},
        files={"samples": "samples.csv.gz", "results": "results.csv.gz", "load": "load.json"} | {f"arrivals-{number}": f"arrivals-{number}.csv.gz" for number in range(spec.workers)},
    )  # fmt: skip

"""One run of one scenario on a rig: load, event, observation, verdict; the record and its raw data are kept."""

from __future__ import annotations

import time
from pathlib import Path

from loadtest import fleet_load, scenarios, uplink
from loadtest.database_delay import DatabaseDelay
from loadtest.estimate import Estimate
from loadtest.generator import Generated, Generator, Rendezvous
from loadtest.lateness import Listener, blind_s, match, packed
from loadtest.load_spec import LoadSpec
from loadtest.objective import judge, verdict_of
from loadtest.rig import Rig, instead_of_the_fleet
from loadtest.run import Load, Phase, Run
from loadtest.scenarios import Length, Scenario
from provision import checks, pushing
from vm.artefact import save, write_file
from vm.progress import note

COOL_DOWN_S = 7.0
"""After the window: results that are on their way arrive, and Icinga's event stream, which lags by up to 5 s, tells of them."""


def observe(
    rig: Rig, scenario: Scenario, *, length: Length, seconds: float = 0, multiple: float = 1, seed: int = 1, workers: int = 1, directory: Path
) -> Run:
    """Run a scenario. seconds: another length of the measured part. Raises WatchpostError when load or lab do not work at all."""
    window_s = seconds or scenario.seconds[length]
    ends_s = scenario.warm_up_s + window_s
    actors, streams = scenario.load(rig, ends_s + COOL_DOWN_S, multiple)
    spec = LoadSpec(seed=seed, actors=tuple(actors), streams=tuple(streams), workers=workers, directory=directory, patience_s=30)
    namespace = str(rig.namespace)
    generator = Generator(spec, Rendezvous(master=namespace, workers=(namespace,)))
    listener = Listener(pushing.access(rig.lab, rig.work.plan.nodes, rig.work.plan.ca), f"watchpost-{directory.name}")
    database = DatabaseDelay(checks.ssh_argv(rig.lab, "monitor"), directory / "state-history.psql")
    uplink.mend(rig)
    happened: dict[str, Estimate] = {}
    began_at = time.time()
    with instead_of_the_fleet(rig):
        listener.start()
        database.start()
        try:
            generator.start()
            begin = generator.begins()
            note(f"{scenario.name}: {len(actors)} actors, {scenario.warm_up_s:.0f} s warm-up, {window_s:.0f} s measured")
            if scenario.event:
                time.sleep(max(0.0, begin + scenario.warm_up_s + window_s * scenarios.EVENT_AFTER - time.monotonic()))
                happened = scenario.event(rig, length)
            found = generator.result()
            time.sleep(max(0.0, begin + ends_s + COOL_DOWN_S - time.monotonic()))
        finally:
            generator.stop()
            listener.stop()
            database.stop()
    metrics = measured(spec, found, listener, scenario.warm_up_s, ends_s) | happened
    window = (found.began_at + scenario.warm_up_s, found.began_at + ends_s)
    if scenario.analyse:
        metrics |= scenario.analyse(fleet_load.due(spec, found.began_at, scenario.warm_up_s, ends_s), listener.seen, window[0])
    changes = database.between(*window)
    if changes.count:
        metrics |= {"to_database_p99_s": Estimate.exact(changes.quantile(0.99)), "state_changes": Estimate.exact(changes.count)}
    unsound = list(found.unsound)
    if listener.gaps and scenario.name not in ("reload",):
        unsound.append(f"Icinga's event stream broke off {len(listener.gaps)} times")
    outcomes = tuple(judge(objective, metrics) for objective in scenario.objectives)
    from loadtest.ran_on import ran_on

    run = Run(
        name=directory.name, scenario=scenario.name, began_at=began_at, seed=seed, size=rig.options.spec,
        load=Load(hosts=len(rig.hosts), services=rig.options.services, interval_s=60, multiple=multiple), ran_on=ran_on(rig.lab),
        phases=(Phase(name="warm-up", begins_s=0, ends_s=scenario.warm_up_s), Phase(name="steady", begins_s=scenario.warm_up_s, ends_s=ends_s)),
        metrics=metrics, outcomes=outcomes, unsound=tuple(unsound), verdict=verdict_of(outcomes, tuple(unsound)),
    )  # fmt: skip
    write_file(directory / "results.csv.gz", packed(listener.seen))
    save(run, directory / "run.json")
    return run


def measured(spec: LoadSpec, found: Generated, listener: Listener, begins_s: float, ends_s: float) -> dict[str, Estimate]:
    """What the generator and the event stream say of the window. Pure over what they hold."""
    due = fleet_load.due(spec, found.began_at, begins_s, ends_s)
    good = match(due, listener.seen)
    metrics = {
        "goodput_ratio": good.ratio, "results_due": good.due, "results_per_s": good.done / (ends_s - begins_s),
        "lateness_p50_s": good.lateness.quantile(0.5), "lateness_p99_s": good.lateness.quantile(0.99), "lateness_max_s": good.lateness.worst,
        "blind_s": blind_s(due, listener.seen), "generator_cpu_ratio": found.cpu_ratio,
    }  # fmt: skip
    for what, name in ((fleet_load.RUN, "puppet"), (fleet_load.PAGE, "page")):
        if kind := found.kinds.get(what):
            latency = found.latency(what)
            metrics |= {
                f"{name}_p50_s": latency.quantile(0.5), f"{name}_p95_s": latency.quantile(0.95), f"{name}_p99_s": latency.quantile(0.99),
                f"{name}_failed_ratio": kind.failed / kind.planned if kind.planned else 0.0,
            }  # fmt: skip
    return {name: Estimate.exact(value) for name, value in metrics.items()}

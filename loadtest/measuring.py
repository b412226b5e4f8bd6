"""The metrics of a run, computed from what was sent, what Icinga told and the samples. Why a run says nothing is in soundness.py. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from loadtest import fleet_load, intervals
from loadtest.estimate import Estimate
from loadtest.generator import Generated
from loadtest.latency import Latencies
from loadtest.lateness import Due, Seen, blind, match
from loadtest.objectives import MAIL_S
from loadtest.samples import Sample, by_second, peak, rate, series
from loadtest.warm_up import settled

ALIKE = 0.02
"""Cores by which a monitor's CPU rate may drift and still count as settled."""
COMMANDS_A_RUN = 3
"""replace facts, replace catalog, store report."""
PUPPETDB = ("commands_seen", "commands_processed", "commands_discarded", "queue_depth", "catalogs_duplicate")
NAMED = {fleet_load.RUN: "puppet", fleet_load.PAGE: "page"}
"""What the generator's kinds of arrivals are called in metrics."""
PERCENTS = (50, 95, 99)
"""The quantiles of their latencies that are kept."""
LATEST = 1 / 3
"""Share of the measured part that a longer warm-up may take."""


def of_results(due: list[Due], seen: list[Seen], seconds: float) -> dict[str, float | Estimate]:
    """What became of the planned results."""
    good = match(due, seen)
    return quantiles("lateness", good.lateness, (50, 90, 99)) | {
        "goodput_ratio": good.ratio, "results_due": good.due, "results_per_s": good.done / seconds,
        "lateness_max_s": good.lateness.worst,
    }  # fmt: skip


def of_silence(due: list[Due], seen: list[Seen]) -> dict[str, Estimate]:
    """How long nothing arrived of any host, and of one: from at least, which counts, to at most."""
    found = {name: blind(due, seen, together=together) for name, together in (("blind_s", True), ("host_blind_s", False))}
    return {name: Estimate(value=least, low=least, high=most) for name, (least, most) in found.items()}


def of_puppetdb(samples: list[Sample], found: Generated, begins: float, ends: float) -> dict[str, float]:
    """What PuppetDB counted of a whole load beside what the generator sent it: facts, catalog and report of each run that was answered.

    Others store too (the monitor's own runs, a host that is added), so it may have counted more. Nothing where it was not probed twice.
    """
    counted = {name: grown(series(samples, name, "", begins, ends)) for name in PUPPETDB}
    if any(value is None for value in counted.values()):
        return {}
    runs = found.kinds.get(fleet_load.RUN)
    sent = COMMANDS_A_RUN * runs.answered if runs else 0
    return {"puppetdb_commands_sent": float(sent)} | {f"puppetdb_{name}": value for name, value in counted.items() if value is not None}


def of_load(found: Generated) -> dict[str, float | Estimate]:
    """What the generator saw of Puppet runs and pages."""
    metrics: dict[str, float | Estimate] = {"generator_cpu_ratio": found.cpu_ratio}
    for what, name in NAMED.items():
        kind = found.kinds.get(what)
        if kind is None:
            continue
        metrics[f"{name}_failed_ratio"] = kind.failed / kind.planned if kind.planned else 0.0  # of none that was due, none failed
        if kind.answered:
            metrics |= quantiles(name, found.latency(what))
    return metrics


def quantiles(name: str, found: Latencies, percents: Sequence[int] = PERCENTS) -> dict[str, float | Estimate]:
    """Quantiles of latencies as metrics, with their intervals."""
    return {f"{name}_p{percent}_s": intervals.of_quantile(found, percent / 100) for percent in percents}


def of_mails(samples: list[Sample], begins: float, ends: float) -> dict[str, float]:
    """Mails that were written in the window: how many the smarthost accepted, how long the slowest hundredth took, and the share that was late, those that still waited among them."""
    taken = [one.value for one in series(samples, "delay_s", "", begins, ends) if one.time_s - one.value >= begins]
    if not any(one.metric == "received" for one in samples):
        return {}
    waiting = max(0.0, grown(series(samples, "queued", "queue=deferred", begins, ends)) or 0.0)
    late = sum(one > MAIL_S for one in taken) + waiting
    found = {"mails_accepted": float(len(taken)), "mails_deferred": waiting, "mail_late_ratio": late / (len(taken) + waiting) if taken or waiting else 0.0}
    return found | ({"mail_delay_p99_s": sorted(taken)[math.ceil(0.99 * len(taken)) - 1]} if taken else {})


def of_machine(samples: list[Sample], begins: float, ends: float) -> dict[str, float | Estimate]:
    """CPU, memory, pressure, kills and disk of the monitor in the window, and its units'."""
    label = "machine=monitor"
    metrics: dict[str, float | Estimate | None] = {
        "cpu_cores": with_interval(series(samples, "cpu_s", label, begins, ends)),
        "memory_peak_mib": peak(series(samples, "working_set_mib", label, begins, ends)),
        "oom_kills": grown(series(samples, "oom_kills", label, begins, ends)),
    }
    for resource in ("cpu", "memory", "io"):
        metrics[f"{resource}_pressure_full_ratio"] = with_interval(series(samples, f"{resource}_pressure_full_s", label, begins, ends))
    for unit in sorted({one.labels for one in samples if one.probe == "units"}):
        name = unit.removeprefix("unit=")
        metrics[f"memory_peak_{name}_mib"] = peak(series(samples, "pss_mib", unit, begins, ends))
        metrics[f"cpu_cores_{name}"] = with_interval(series(samples, "cpu_s", unit, begins, ends))
    return {name: value for name, value in metrics.items() if value is not None}


def with_interval(counter: list[Sample]) -> Estimate | None:
    """How much a counter grew in a second, with its interval; None of less than two samples."""
    value = rate(counter)
    if value is None:
        return None
    begins = counter[0].time_s
    return intervals.of_rate(value, by_second(counter, begins, int(counter[-1].time_s - begins)))


def warmed_up_s(samples: list[Sample], began_at: float, planned_s: float, window_s: float, even_s: float) -> float | None:
    """When the monitor's CPU rate has settled, in seconds from the run's beginning: as planned at the earliest; None when it never does.

    even_s: how long the load stays the same; what comes after it is no warm-up.
    """
    around = series(samples, "cpu_s", "machine=monitor", began_at - 5, began_at + even_s + 5)
    latest = min(planned_s + window_s * LATEST, even_s)
    found = settled(by_second(around, began_at, int(even_s)), int(planned_s), int(latest), ALIKE)
    return None if found is None else max(planned_s, float(found))


def grown(found: list[Sample]) -> float | None:
    """How much a counter grew; None of nothing."""
    return found[-1].value - found[0].value if found else None


def estimates(metrics: Mapping[str, float | Estimate]) -> dict[str, Estimate]:
    """All as estimates: a single figure (a count, a peak) has no interval."""
    return {name: value if isinstance(value, Estimate) else Estimate.exact(round(value, 6)) for name, value in metrics.items()}

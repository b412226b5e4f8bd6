"""Metrics from samples and results, reasons why a run says nothing, sizes of a machine and their CPUs."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest import (
    fleet_load,
    intervals,
    machine_size,
    measuring,
    objectives,
    plugin_cost,
    probes,
    scenarios,
    soundness,
)
from loadtest.database_delay import delays
from loadtest.estimate import Estimate
from loadtest.generator import Generated
from loadtest.latency import Latencies
from loadtest.lateness import Seen
from loadtest.load_spec import KindResult
from loadtest.objective import judge, verdict_of
from loadtest.probes.groups import pressure
from loadtest.samples import Sample, peak, rate, read, save, series
from loadtest.scenarios import active, ramp
from loadtest.scenarios.active import configuration


def counter(metric: str, labels: str, values: list[float], probe: str = "groups") -> list[Sample]:
    return [Sample(100.0 + at, probe, metric, value, labels) for at, value in enumerate(values)]


MONITOR = "machine=monitor"
SAMPLES = [
    *counter("cpu_s", MONITOR, [10, 10.5, 11, 11.5, 12]),
    *counter("working_set_mib", MONITOR, [300, 310, 350, 320, 900]),
    *counter("oom_kills", MONITOR, [2, 2, 3, 3, 3]),
    *counter("memory_pressure_full_s", MONITOR, [0, 0, 0.1, 0.2, 0.2]),
    *counter("cpu_s", "unit=icinga2", [1, 1.2, 1.4, 1.6, 1.8], "units"),
    *counter("pss_mib", "unit=icinga2", [100, 120, 110, 100, 100], "units"),
]


def test_the_machine_in_its_window() -> None:
    found = {name: one.value for name, one in measuring.estimates(measuring.of_machine(SAMPLES, 100, 103.5)).items()}
    assert found["cpu_cores"] == pytest.approx(0.5)
    assert found["memory_peak_mib"] == 350, "what comes after the window does not count"
    assert found["oom_kills"] == 1 and found["memory_pressure_full_ratio"] == pytest.approx(0.2 / 3, abs=1e-6)
    assert found["cpu_cores_icinga2"] == pytest.approx(0.2) and found["memory_peak_icinga2_mib"] == 120
    assert "io_pressure_full_ratio" not in found, "what nobody read is missing, not zero"


def test_a_rate_has_an_interval_where_the_window_is_long_enough() -> None:
    steady, uneven = ([100 + sum(each[:at]) for at in range(61)] for each in ([0.5] * 60, [0.2, 0.8] * 15 + [0.9, 0.1] * 10 + [0.1] * 10))
    found = [measuring.estimates(measuring.of_machine(counter("cpu_s", MONITOR, values), 100, 160))["cpu_cores"] for values in (steady, uneven)]
    assert found[0].low == pytest.approx(0.5) == found[0].high
    assert found[1].low < found[1].value < found[1].high and found[1].high - found[1].low > 0.1
    short = measuring.estimates(measuring.of_machine(counter("cpu_s", MONITOR, steady[:15]), 100, 160))["cpu_cores"]
    assert short.low == short.value == short.high


def test_the_interval_of_a_quantile_holds_the_true_one_about_as_often_as_it_says() -> None:
    draw, hits = random.Random("quantiles"), 0
    for _ in range(200):
        found = Latencies()
        for _ in range(300):
            found.record(draw.expovariate(1))
        interval = intervals.of_quantile(found, 0.9)
        hits += interval.low <= math.log(10) <= interval.high
    assert 180 <= hits < 200, "of 200, where 190 are due"


def test_mails_are_late_by_what_the_smarthost_had_late_or_has_not_yet() -> None:
    received, queued = counter("received", "", [3, 4, 6], "mail_sink"), counter("queued", "queue=deferred", [1, 1, 2], "mail_queue")
    delays = [Sample(100.5, "mail_sink", "delay_s", 40, ""), Sample(101, "mail_sink", "delay_s", 0.8, ""), Sample(170, "mail_sink", "delay_s", 61, "")]
    found = measuring.of_mails([*received, *queued, *delays], 100, 200)
    assert found == {"mails_accepted": 2, "mails_deferred": 1, "mail_late_ratio": pytest.approx(2 / 3), "mail_delay_p99_s": 61}, "the one of 40 s was written before"
    assert measuring.of_mails([*received, *queued[:2]], 100, 200) == {"mails_accepted": 0, "mails_deferred": 0, "mail_late_ratio": 0}
    assert measuring.of_mails(queued, 100, 200) == {}, "nobody looked at the sink"


def test_a_metric_that_is_missing_makes_its_objective_invalid() -> None:
    outcome = judge(objectives.NO_OOM, measuring.estimates(measuring.of_machine([], 0, 1)))
    assert outcome.verdict == "invalid" and verdict_of((outcome,), ()) == "invalid"


def test_a_counter_that_was_set_back_does_not_run_backwards() -> None:
    assert rate(counter("cpu_s", "", [5, 6, 0, 1])) == pytest.approx(2 / 3)
    assert rate(counter("cpu_s", "", [5])) is None and peak([]) is None


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    save(SAMPLES, tmp_path / "samples.csv.gz")
    assert read(tmp_path / "samples.csv.gz") == SAMPLES
    assert [one.value for one in series(read(tmp_path / "samples.csv.gz"), "oom_kills", MONITOR, 101, 102)] == [2, 3]


SOUND = Generated(began_at=0, seconds=10, cpu_ratio=0.1, kinds={}, locust=[], unsound=())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, ""),
        ({"gaps": 2}, "event stream"),
        ({"busy": 0.71}, "support cores"),
        ({"noise": 0.11}, "others took"),
        ({"own_cores": False}, "no cores of its own"),
        ({"accelerator": "tcg"}, "not representative"),
        ({"warm": False}, "did not settle"),
    ],
)
def test_a_run_says_why_it_says_nothing(change: dict[str, object], word: str) -> None:
    quiet: dict[str, object] = {"warm": True, "gaps": 0, "busy": 0.69, "noise": 0.09, "own_cores": True, "accelerator": "none"}
    reasons = soundness.of_run(SOUND, **{**quiet, **change})  # type: ignore[arg-type]
    assert len(reasons) == bool(word) and all(word in reason for reason in reasons)
    late = SOUND.model_copy(update={"unsound": ("late",)})
    assert soundness.of_run(late, **quiet) == ("late",)  # type: ignore[arg-type]


def test_pressure_in_the_kernels_words(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250\n")
    assert pressure(tmp_path / "p") == {"some": 1500, "full": 250}


@given(st.floats(0.05, 8), st.integers(1, 16))
def test_monitor_and_support_share_the_cores(vcpus: float, cores: int) -> None:
    mine, others = machine_size.own_cpus(vcpus, cores)
    if not mine:
        assert vcpus > cores - 1 and not others
        return
    ours, theirs = machine_size.numbers(mine), machine_size.numbers(others)
    assert len(ours) >= vcpus and theirs and sorted(theirs + ours) == list(range(cores))


def test_delays_count_from_the_first_look_that_shows_a_row() -> None:
    lines = ["aa|1000|1400", "", "Wed Nov 25 (every 0.5s)", "aa|1000|1900", "bb|1500|1900", "x|y|z"]
    assert delays(lines) == [(1.0, pytest.approx(0.4)), (1.5, pytest.approx(0.4))]


@given(st.floats(0.1, 500))
def test_a_ramp_ends_where_the_generator_does(rate: float) -> None:
    found = ramp.multiples(rate)
    assert list(found) == sorted(set(found)) and found[0] == 1 and len(found) <= ramp.STEPS + 1
    assert all(one * rate <= ramp.MOST_PER_S for one in found[1:])


def test_every_scenario_can_be_found_and_judges_what_the_machine_lacks() -> None:
    for name in scenarios.names():
        found = scenarios.find(name)
        assert found.name == name and set(objectives.ALWAYS) <= set(found.objectives)
        assert 0 < found.seconds["short"] <= found.seconds["full"]
    with pytest.raises(Exception, match="no scenario"):
        scenarios.find("../steady")


def test_every_probe_can_be_read() -> None:
    assert {"groups", "units", "host", "disk", "icinga"} <= set(probes.probes())


def test_the_own_checks_are_a_third_of_each_kind() -> None:
    text = configuration("h.lab.test", "10.0.0.1")
    assert all(text.count(f'check_command = "load-{kind}"') == 100 for kind in ("c", "perl", "python"))


def test_an_estimate_keeps_its_interval_in_order() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        Estimate(value=1, low=2, high=3)


def test_of_runs_that_were_not_due_none_failed_and_none_was_quick() -> None:
    none = KindResult(planned=0, sent=0, answered=0, failed=0, latency=Latencies().encoded(), send_lag=Latencies().encoded(), errors={})
    found = measuring.of_load(SOUND.model_copy(update={"kinds": {"puppet run": none}}))
    assert found["puppet_failed_ratio"] == 0 and "puppet_p95_s" not in found and "page_failed_ratio" not in found
    failed = none.model_copy(update={"planned": 4, "sent": 4, "failed": 1})
    assert measuring.of_load(SOUND.model_copy(update={"kinds": {"puppet run": failed}}))["puppet_failed_ratio"] == 0.25


def test_the_verdict_on_a_run() -> None:
    passed, failed = (judge(objectives.NO_OOM, {"oom_kills": Estimate.exact(count)}) for count in (0, 1))
    missing = judge(objectives.PRESSURE, {})
    assert verdict_of((passed,), ()) == "passed"
    assert verdict_of((passed, missing), ()) == "invalid"
    assert verdict_of((passed, missing, failed), ()) == "failed"
    assert verdict_of((passed, failed), ("noise",)) == "invalid"


@pytest.mark.parametrize(
    ("seen", "discarded", "depth", "told"),
    [(6, 0, 0, ""), (9, 0, 0, ""), (5, 0, 0, "PuppetDB saw 5 of 6"), (6, 1, 0, "discarded 1"), (6, 0, 2, "did not drain: 2")],
)
def test_what_puppetdb_counted_is_held_against_what_was_sent(seen: float, discarded: float, depth: float, told: str) -> None:
    after = {"commands_seen": seen, "commands_processed": seen, "commands_discarded": discarded, "queue_depth": depth, "catalogs_duplicate": 2}
    samples = [Sample(time_s, "puppetdb", name, 100 + share * value) for time_s, share in ((2, 0), (20, 1)) for name, value in after.items()]
    kind = KindResult(planned=2, sent=2, answered=2, failed=0, latency=Latencies().encoded(), send_lag=Latencies().encoded(), errors={})
    found = SOUND.model_copy(update={"kinds": {fleet_load.RUN: kind}})
    counted = measuring.of_puppetdb(samples, found, 0, 30)
    assert counted["puppetdb_commands_sent"] == 6 and counted["puppetdb_commands_seen"] == seen
    assert told in "; ".join(soundness.of_puppetdb(counted)) and bool(told) == bool(soundness.of_puppetdb(counted))
    assert measuring.of_puppetdb(samples, found, 10, 15) == {} and soundness.of_puppetdb({}) == ()


def test_plugins_alone_would_allow_so_many_checks() -> None:
    assert plugin_cost.ceiling({"c": 0.004, "perl": 0.016}, {"c": 30, "perl": 10}, 0.7) == pytest.approx(100)
    assert plugin_cost.ceiling({"c": 0.004}, {"c": 0}, 1) is None


def test_the_ceiling_of_the_plugins_stands_beside_what_was_carried() -> None:
    seen = [Seen(1000 + at / 50, "h", f"load-{at % 300:03d}", 0, 0, 0) for at in range(2000)]
    samples = [Sample(1000 + at, "groups", "cpu_s", 0.9 * at, MONITOR) for at in range(41)]
    happened = {f"plugin_cpu_ms_{kind}": Estimate.exact(ms) for kind, ms in (("c", 5), ("perl", 15), ("python", 25))}
    found = {name: one.value for name, one in active.analyse(None, happened, [], seen, samples, 1000).items()}  # type: ignore[arg-type]
    assert found["active_results_per_s"] == pytest.approx(50, rel=0.01) and found["active_cpu_ms_per_check"] == pytest.approx(18, rel=0.01)
    assert found["active_predicted_per_s"] == pytest.approx(60, rel=0.01) and found["active_of_predicted_ratio"] == pytest.approx(50 / 60, rel=0.01)
    assert sum(found[f"active_{kind}_per_s"] for kind in active.COMMANDS) == pytest.approx(50, rel=0.01)
    assert "active_predicted_per_s" not in active.analyse(None, {}, [], seen, samples, 1000)  # type: ignore[arg-type]

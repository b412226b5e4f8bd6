"""Collecting measured: what a run's parts are, made catalogs, costs as differences, and when the whole is invalid or missed its targets."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from loadtest.collecting import bench, here, icinga, once, population, result, table
from loadtest.collecting.idle import Idle
from loadtest.collecting.once import Kind, Once, Way
from loadtest.estimate import Estimate
from loadtest.run import RanOn
from vm.errors import BadInput, WatchpostError

SUMMARY: dict[str, Any] = {
    "time": {"startup_time": 0.3, "fact_generation": 1.3, "plugin_sync": 0.4, "config_retrieval": 0.5, "convert_catalog": 0.1, "catalog_application": 1.1}
}
LOG = """10.0.0.2 - - [t] "POST /pdb/query/v4 HTTP/1.1" 200 54956 "-" "Puppet/8.10.0" 44 -
10.0.0.2 - - [t] "POST /pdb/cmd/v1?version=9&certname=m HTTP/1.1" 200 53 "-" "Puppet/8.10.0" 11 179730
10.0.0.2 - - [t] "GET /pdb/query/v4/resources HTTP/1.1" 200 54956 "-" "Puppet/8.10.0" 6 -
"""


def test_the_parts_of_a_run_leave_out_what_knows_no_object() -> None:
    assert once.parts(SUMMARY, 4.5) == pytest.approx((0.5, 1.2, 0.8))


def test_queries_are_counted_and_timed_and_commands_are_not() -> None:
    assert once.answered(LOG) == (2, pytest.approx(0.05))


def run(way: Way, kind: Kind, hosts: int, cost_s: float, **change: Any) -> Once:
    """A run whose parts add up to a cost."""
    figures: dict[str, Any] = {
        "way": way, "kind": kind, "hosts": hosts, "objects": hosts * 21, "seconds": 3 + cost_s, "compile_s": cost_s / 2, "apply_s": cost_s / 4,
        "other_s": cost_s / 4, "queries": 4 if way == "realise" else 1, "query_s": 0.01, "store_s": 0.0, "server_cpu_s": cost_s, "database_cpu_s": 0.0,
        "agent_cpu_s": 1.0, "resources": 40, "changed": 50 if kind == "first" else 0, "restarted": 0, "exit_code": 0,
    }  # fmt: skip
    return Once(**figures | change)


def measured(ours_s: float = 0.2, theirs_s: float = 6.0, noise_s: float = 0.01) -> list[tuple[int, Once]]:
    """Seven passes of each way, with a cost for each 50 hosts, and empty runs that cost something else in every pass."""
    runs: list[tuple[int, Once]] = []
    wobble = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
    prices: dict[Way, float] = {"realise": theirs_s, "reduce": theirs_s / 3, "query": ours_s}
    for way, price in prices.items():
        for number, by in enumerate(wobble):
            key, empty = len(runs), 1.0 + number
            runs += [(key, run(way, "none", 0, empty - 0.5)), (key, run(way, "none", 0, empty + 0.5))]
            for hosts in (50, 150):
                runs += [(key, run(way, kind, hosts, empty + price * hosts / 50 + by * noise_s)) for kind in result.KINDS]
    return runs


def test_a_cost_is_the_difference_to_the_mean_empty_run_of_the_same_pass() -> None:
    assert result.costs(measured(noise_s=0.0), "query", "unchanged", 50) == pytest.approx([0.2] * 7)
    assert result.costs(measured(noise_s=0.0), "realise", "first", 150) == pytest.approx([18.0] * 7)


def test_figures_of_a_way_come_from_its_runs_alone() -> None:
    ours = result.way_found(measured(), "query", 50)
    assert ours.cost_s["first"].value == pytest.approx(0.2) and ours.exponent["first"].value == pytest.approx(1.0, abs=0.01)
    assert ours.queries == 1 and result.way_found(measured(), "realise", 50).queries == 4
    assert ours.object_ms["unchanged"] == pytest.approx(0.2 / 1050 * 1000, rel=0.05)


def test_calm_runs_that_reach_their_targets_are_valid() -> None:
    runs = measured()
    ratios = result.ratios(runs, 50)
    assert ratios["first"].value == pytest.approx(30, rel=0.01)
    assert result.invalid(runs, 50, ratios, []) == ()
    quiet = Idle(seconds=4, changed=0, restarted=False, reloaded=False, validated=False)
    assert result.missed(ratios["first"], Estimate.exact(1.0), 1, quiet) == ()


def test_noise_different_objects_and_changes_are_told() -> None:
    loud = measured(noise_s=0.2)
    assert any("too noisy" in why for why in result.invalid(loud, 50, result.ratios(loud, 50), []))
    calm = measured()
    ratios = result.ratios(calm, 50)
    assert result.invalid(calm, 50, ratios, ["reduce: Host x: address"]) == ("Icinga's objects differ: reduce: Host x: address",)
    busy = [*calm, (99, run("query", "none", 0, 1.0)), (99, run("query", "unchanged", 50, 1.2, changed=3))]
    assert any("changed 3 resources" in why for why in result.invalid(busy, 50, ratios, []))


def found(runs: list[tuple[int, Once]]) -> result.Found:
    """A whole measurement made of runs."""
    ratios = result.ratios(runs, 50)
    ways = tuple(result.way_found(runs, way, 50, result.Heap(rise_mib=120, collecting_s=0.1)) for way in once.WAYS)
    ran_on = RanOn(cpu_model="a processor", cores=2, memory_mib=24000, driver="container", accelerator="none", lock_sha256="0" * 64)
    quiet = Idle(seconds=4, changed=0, restarted=False, reloaded=False, validated=False)
    exponent = max(ways[2].exponent.values(), key=lambda it: it.value, default=None)
    taken = tuple(icinga.TakenIn(way=way, files=51, objects=1200, validate_s=1.0, reload_s=3.0) for way in once.WAYS)
    return result.Found(
        hosts=50, services=20, objects=1200, sizes=(1050, 3150), ratio=ratios["first"], ratios=ratios, queries=Estimate.exact(1), exponent=exponent, ways=ways,
        icinga=taken, idle=quiet, warmed=27, seconds=900, ran_on=ran_on, differing=(), invalid=result.invalid(runs, 50, ratios, []),
        missed=result.missed(ratios["first"], exponent, 1, quiet), runs=tuple(runs),
    )  # fmt: skip


def test_a_measurement_survives_being_written_and_is_shown_with_its_whole_runs() -> None:
    calm = found(measured())
    assert result.Found.model_validate_json(calm.model_dump_json()) == calm
    shown = Console(width=200, record=True, file=io.StringIO())
    table.show(calm, shown)
    text = shown.export_text()
    assert "INVALID" not in text and "missed" not in text and "whole run" in text
    assert "30.0 (" in text


def test_noise_that_hides_the_exponent_is_shown_as_invalid() -> None:
    loud = found(measured(ours_s=0.0, noise_s=0.3))
    shown = Console(width=200, record=True, file=io.StringIO())
    table.show(loud, shown)
    assert loud.exponent is None and "INVALID" in shown.export_text()


@pytest.mark.parametrize(
    ("ratio", "exponent", "queries", "reloaded", "told"),
    [(19.0, 1.0, 1, False, "19.0 times"), (30.0, 1.06, 1, False, "1.060"), (30.0, 1.0, 2, False, "2 queries"), (30.0, 1.0, 1, True, "did something")],
)
def test_each_target_that_is_missed_is_named(ratio: float, exponent: float, queries: int, reloaded: bool, told: str) -> None:
    idle = Idle(seconds=4, changed=0, restarted=False, reloaded=reloaded, validated=False)
    (what,) = result.missed(Estimate.exact(ratio), Estimate.exact(exponent), queries, idle)
    assert told in what


def test_objects_are_compared_by_every_attribute() -> None:
    mine = {"Host a": {"address": "10.0.0.1", "vars": {"role": "x"}}, "Service a!disk": {"check_interval": 60}}
    assert icinga.differences(mine, {name: dict(reversed(it.items())) for name, it in mine.items()}) == []
    other = {"Host a": {"address": "10.0.0.1", "vars": {"role": "y"}}, "Service a!load": {"check_interval": 60}}
    assert icinga.differences(mine, other) == ["Service a!disk is on one side alone", "Service a!load is on one side alone", "Host a: vars"]


ROWS = [
    {"certname": "a.lab.test", "type": population.HOST, "title": "a.lab.test", "tags": ["monitoring", "host"], "file": "h.pp", "line": 3, "parameters": {"host": "a.lab.test", "address": "10.0.0.1"}},
    *(
        {"certname": name, "type": "Monitoring::Collected::Service", "title": f"{name} s{number}", "tags": ["monitoring"], "file": "c.pp", "line": 60, "parameters": {"host": name, "service": f"s{number}"}}
        for name, count in (("a.lab.test", 3), ("b.lab.test", 1))
        for number in range(count)
    ),
]  # fmt: skip


def test_a_made_host_exports_what_a_real_one_does_under_its_own_name() -> None:
    rows = population.template(ROWS, 2)
    payload = population.catalog(rows, "b", 51, (50, 150), "lab.test", "now", "puppet.lab.test")
    exported = [it for it in payload["resources"] if it["exported"]]
    assert [it["title"] for it in exported] == [f"collecting-b-0051.lab.test{it}" for it in ("", " s0", " s1")]
    assert {it["parameters"]["host"] for it in exported} == {"collecting-b-0051.lab.test"} and payload["certname"] == "collecting-b-0051.lab.test"
    assert len(payload["edges"]) == len(payload["resources"]) - 1
    # It belongs to the larger fleet only, and never to what the monitor itself collects.
    for it in exported:
        assert population.label(150) in it["tags"] and not {population.label(50), "monitoring", population.NOBODY} & set(it["tags"])


def test_a_lab_without_such_a_host_is_refused() -> None:
    with pytest.raises(WatchpostError, match="no host of the lab exports 4 services"):
        population.template(ROWS, 4)


def test_too_few_rounds_are_refused_before_anything_is_done() -> None:
    with pytest.raises(BadInput, match="4 rounds say too little"):
        bench.collect(None, 4)


def test_what_was_allocated_is_the_sum_of_all_rises() -> None:
    assert bench.rise([100.0, 130.0, 90.0, 95.0]) == 35.0


def test_busy_time_leaves_out_idling_and_waiting_for_disks() -> None:
    assert here.busy_s("cpu 100 0 50 9999 888 0 0 50 0 0\ncpu0 1\n") == pytest.approx(2.0)

"""Lines, disk, headroom and prices: what they give, what never happens, and what is said where something is missing."""

from __future__ import annotations

import datetime
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated import Machine

from loadtest.run import Load
from loadtest.sizing import metrics
from loadtest.sizing.disk import FREE_SHARE, disk_of
from loadtest.sizing.headroom import Need, knee, need
from loadtest.sizing.lattice import Cell
from loadtest.sizing.line import fit, mean
from loadtest.sizing.model import compare, fit_model
from loadtest.sizing.predicted import larger
from loadtest.sizing.pricing import NOT_ASSESSED, price
from loadtest.sizing.rules_of_thumb import rules
from vm.hosting import HostingSpec, Offer, Source

TODAY = datetime.date(2026, 11, 25)
LARGE = HostingSpec(vcpus=1, memory_mib=2048, disk_gib=20)
FIGURE = st.floats(0, 1e4)


def load(hosts: int, interval_s: float = 60, services: int = 20) -> Load:
    return Load(hosts=hosts, services=services, interval_s=interval_s)


def small_runs(machine: Machine, size: HostingSpec = LARGE) -> list:  # type: ignore[type-arg]
    return [machine.run(size, load(hosts), scenario, "short", repeat) for hosts in (5, 10, 20) for scenario in ("steady", "collect", "outage") for repeat in (0, 1)]


def test_a_line_is_found_again() -> None:
    line = fit([(x, 3 + 2 * x) for x in (1.0, 2.0, 5.0, 9.0)])
    assert line is not None
    assert line.base == pytest.approx(3) and line.slope.value == pytest.approx(2) and line.at(100).value == pytest.approx(203)
    assert line.slope.high - line.slope.low == pytest.approx(0, abs=1e-6)


def test_the_interval_is_that_of_the_textbook() -> None:
    """Points (1, 1), (2, 3), (3, 2), (4, 4): slope 0.8, residual variance 0.9, prediction at 10 half 4.303 * sqrt(.9 * (1 + 1/4 + 56.25/5))."""
    line = fit([(1, 1), (2, 3), (3, 2), (4, 4)])
    assert line is not None and line.slope.value == pytest.approx(0.8) and line.spread**2 == pytest.approx(0.9)
    assert line.at(10).high - line.at(10).value == pytest.approx(4.303 * (0.9 * (1 + 1 / 4 + 56.25 / 5)) ** 0.5)


@pytest.mark.parametrize("points", [[], [(1.0, 1.0)], [(1.0, 1.0), (2.0, 2.0)], [(3.0, 1.0), (3.0, 2.0), (3.0, 3.0)]])
def test_too_few_points_are_no_line(points: list[tuple[float, float]]) -> None:
    assert fit(points) is None


@given(st.lists(st.tuples(FIGURE, FIGURE), min_size=3, max_size=12), st.floats(0, 1e5), st.floats(0, 1e5))
def test_no_line_falls_and_no_interval_is_upside_down(points: list[tuple[float, float]], x: float, more: float) -> None:
    line = fit(points)
    assume(line is not None)
    assert line is not None
    here, there = line.at(x), line.at(x + more)
    slack = 1e-9 * (1 + abs(there.high))
    assert 0 <= here.low <= here.value <= here.high
    assert here.value <= there.value + slack and here.high <= there.high + slack


@given(st.lists(FIGURE, min_size=1, max_size=20))
def test_the_mean_lies_in_its_interval(values: list[float]) -> None:
    found = mean(values)
    assert found is not None and found.low <= found.value <= found.high


def test_repeats_that_disagree_widen_the_interval() -> None:
    near, far = mean([10.0, 10.1, 9.9]), mean([10.0, 13.0, 7.0])
    assert near is not None and far is not None
    assert near.high - near.low < (far.high - far.low) / 10


def test_a_model_of_small_fleets_predicts_a_large_one() -> None:
    machine = Machine(noise=0.01)
    model = fit_model(small_runs(machine))
    measured = [machine.run(LARGE, load(50), scenario, "short", 0) for scenario in ("steady", "collect")]
    compared = compare(model, load(50), measured)
    assert {one.what for one in compared} == {"CPU while steady", "memory peak while steady, PostgreSQL apart", "collecting Puppet run"}
    for one in compared:
        assert one.measured is not None and one.agree is True
        assert one.predicted.value == pytest.approx(one.measured.value, rel=0.1)


def test_a_model_says_where_it_is_wrong() -> None:
    model = fit_model(small_runs(Machine(noise=0.005)))
    other = Machine(noise=0.005, mib_per_host=6)
    (memory,) = (one for one in compare(model, load(50), [other.run(LARGE, load(50), "steady", "short", 0)]) if "memory" in one.what)
    assert memory.agree is False


def test_only_small_fleets_on_the_largest_size_are_fitted() -> None:
    machine = Machine()
    runs = small_runs(machine)
    others = [machine.run(LARGE, load(50), "steady", "short", 0), *small_runs(machine, HostingSpec(vcpus=0.5, memory_mib=512, disk_gib=20))]
    assert fit_model([*runs, *others]).runs == fit_model(runs).runs
    assert not {run.name for run in others} & set(fit_model([*runs, *others]).runs)


def test_a_larger_machine_is_never_said_to_carry_less_than_a_smaller_one_did() -> None:
    model = fit_model(small_runs(Machine()))
    plain = larger(load(50), model, 2)
    between = (plain[0].multiple + plain[1].multiple) / 2
    known = larger(load(50), model, 2, between)
    assert [(one.multiple, one.least) for one in known] == [(between, True), (plain[1].multiple, False)]


def test_a_model_without_bench_host_has_no_units() -> None:
    runs = [run.model_copy(update={"ran_on": run.ran_on.model_copy(update={"reference_units": 0.0})}) for run in small_runs(Machine())]
    model = fit_model(runs)
    assert model.reference_units is None and model.units_at(load(50)) is None and model.units_per_check() is None
    with_units = fit_model(small_runs(Machine()))
    per_check = with_units.units_per_check()
    assert per_check is not None and with_units.cpu_cores is not None and per_check.value == pytest.approx(100 * with_units.cpu_cores.slope.value)


def test_the_disk_is_base_and_a_year_with_room() -> None:
    machine = Machine()
    disk = disk_of([*small_runs(machine), machine.run(LARGE, load(50), "storm", "short", 0)], hosts=100, services=20)
    assert disk is not None
    assert disk.day_bytes.high == pytest.approx(disk.bytes_per_change.high * 100 * 20 * 2)
    assert disk.used_gib(365).high <= disk.gib * (1 - FREE_SHARE) < disk.used_gib(365).high + 1
    assert disk_of([Machine().run(LARGE, load(50), "steady", "short", 0)], 50, 20) is None


def test_the_longest_storm_is_held_against_the_shorter_ones() -> None:
    machine = Machine(noise=0.02)
    short, longer = (machine.run(LARGE, load(50), "storm", length, 0) for length in ("short", "full"))  # type: ignore[arg-type]
    disk = disk_of([longer, short], hosts=100, services=20)
    assert disk is not None and disk.accelerated is not None and disk.accelerated.changes == 33 * 600
    assert disk.accelerated.days == pytest.approx(33 * 600 / 4000)
    assert disk.accelerated.measured_mib == pytest.approx(33 * 600 * longer.metrics["disk_bytes_per_state_change"].value / 2**20)
    assert disk.accelerated.predicted_mib == pytest.approx(33 * 600 * short.metrics["disk_bytes_per_state_change"].value / 2**20)
    alone = disk_of([short], hosts=100, services=20)
    assert alone is not None and alone.accelerated is None


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 50), st.integers(1, 3000))
def test_more_hosts_never_need_less_disk(hosts: int, more: int, services: int, days: int) -> None:
    runs = [Machine().run(LARGE, load(10), "storm", "short", repeat) for repeat in range(2)]
    small, large = disk_of(runs, hosts, services, days), disk_of(runs, hosts + more, services, days)
    assert small is not None and large is not None and small.gib <= large.gib


def test_the_knee_is_that_of_its_source() -> None:
    assert knee(1) == pytest.approx(0.5) and knee(0.25) == pytest.approx(0.5) and knee(8) == pytest.approx(0.7598, abs=1e-4)
    assert all(knee(a) * a < knee(b) * b for a, b in pairwise((0.1, 0.25, 0.5, 0.75, 1, 2, 4)))


@given(st.integers(21, 200), st.integers(0, 100), st.floats(1, 5), st.floats(0, 3), st.floats(10, 600), st.floats(1, 10))
def test_need_grows_with_hosts_and_growth_and_never_with_the_interval(
    hosts: int, more: int, growth: float, extra: float, interval: float, longer: float
) -> None:
    model = fit_model(small_runs(Machine()))
    cell = Cell(vcpus=0.5, memory_mib=448)
    base = need(cell, load(hosts, interval), growth, model)
    assert base.memory_mib >= cell.memory_mib and base.burst_cores >= cell.vcpus
    assert need(cell, load(hosts + more, interval), growth, model).memory_mib >= base.memory_mib
    grown, rarer = need(cell, load(hosts, interval), growth + extra, model), need(cell, load(hosts, interval * longer), growth, model)
    assert grown.burst_cores >= base.burst_cores and grown.memory_mib >= base.memory_mib
    assert (grown.steady_cores or 0) >= (base.steady_cores or 0) >= (rarer.steady_cores or 0) - 1e-9
    assert rarer.burst_cores <= base.burst_cores
    if base.cell:
        assert base.carried_by(base.cell.vcpus, base.cell.vcpus) and base.cell.memory_mib >= base.memory_mib


def offer(name: str, **changes: object) -> Offer:
    page = Source(address="https://hoster.example/prices", date=datetime.date(2026, 10, 1))
    plain: dict[str, object] = {
        "name": name, "provider": "Somebody", "vcpus": 2, "cpu": "dedicated", "memory_mib": 4096, "disk_gib": 40, "disk_kind": "nvme",
        "eur_per_month_net": 5, "eur_per_month_gross": 6, "as_of": datetime.date(2026, 10, 1), "verified": True, "ipv4": True, "console": True,
        "growable": True, "root": True, "source": page,
    }  # fmt: skip
    return Offer.model_validate(plain | changes)


NEED = Need(growth=2, burst_cores=1, steady_cores=0.3, memory_mib=600, reference_units=100, cell=Cell(vcpus=1, memory_mib=640))


def test_the_cheapest_that_carries_it_is_picked() -> None:
    found = price([offer("dear", eur_per_month_gross=9), offer("cheap"), offer("small", memory_mib=512, eur_per_month_gross=5)], NEED, 10, 20, TODAY)
    assert found.pick is not None and found.pick.offer.name == "cheap" and found.eur_per_month == 6
    assert [one.offer.name for one in found.matches] == ["small", "cheap", "dear"]


def test_an_example_is_never_an_answer() -> None:
    example = offer("example", verified=False, source=None, eur_per_month_net=1, eur_per_month_gross=1)
    found = price([example], NEED, 10, 20, TODAY)
    assert found.pick is None and found.eur_per_month is None and found.reason == NOT_ASSESSED
    both = price([example, offer("real")], NEED, 10, 20, TODAY)
    assert both.reason.startswith("cheaper ones are examples, whose price is not assessed (example): add your hoster's offers")
    assert "examples" not in price([offer("real"), example.model_copy(update={"eur_per_month_gross": 19.0})], NEED, 10, 20, TODAY).reason
    assert both.pick is not None and both.pick.offer.name == "real"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"console": False}, "no console"), ({"ipv4": False}, "no IPv4 address"), ({"root": False}, "no root"), ({"growable": False}, "no way to grow"),
        ({"memory_mib": 599}, "memory: 599 of 600 MiB"), ({"disk_gib": 9}, "disk: 9 of 10 GiB"), ({"vcpus": 1, "reference_units": 50}, "CPU: 1 vCPU are too few"),
    ],
)  # fmt: skip
def test_an_offer_that_lacks_something_does_not_fit_and_says_what(changes: dict[str, object], words: str) -> None:
    found = price([offer("poor", **changes)], NEED, 10, 20, TODAY)
    assert found.pick is None and found.reason.startswith("none fits") and words in found.matches[0].lacks
    assert "1 vCPU, 640 MiB, 10 GiB of disk, a console, an IPv4 address, root, a way to grow" in found.would


def test_above_the_budget_nothing_is_picked_and_the_difference_is_told() -> None:
    found = price([offer("dear", eur_per_month_gross=23.5)], NEED, 10, 20, TODAY)
    assert found.pick is None and "dear is the cheapest that carries it, 3.50 EUR above the budget" in found.reason


def test_a_vcpu_is_no_unit() -> None:
    unknown = price([offer("plain", vcpus=1)], NEED, 10, 20, TODAY)
    assert unknown.pick is not None and any("for this CPU only" in flag for flag in unknown.pick.flags)
    slow, fast = (price([offer("known", vcpus=1, reference_units=units)], NEED, 10, 20, TODAY) for units in (80, 120))
    assert slow.pick is None and fast.pick is not None and not any("this CPU only" in flag for flag in fast.pick.flags)


def test_an_old_price_and_a_shared_cpu_are_flagged() -> None:
    found = price([offer("old", as_of=datetime.date(2026, 5, 1), cpu="shared")], NEED, 10, 20, TODAY)
    assert found.pick is not None and any("older than 180 days" in flag for flag in found.pick.flags) and "older than 180 days" in found.reason
    assert any("shared" in flag for flag in found.pick.flags)
    assert not any("180 days" in flag for flag in price([offer("new")], NEED, 10, 20, TODAY).matches[0].flags)


OFFERS = st.lists(
    st.builds(
        lambda index, vcpus, memory, disk, gross, verified, musts: offer(
            f"o{index}", vcpus=vcpus, memory_mib=memory, disk_gib=disk, eur_per_month_net=0, eur_per_month_gross=gross, verified=verified, console=musts
        ),
        st.integers(0, 99), st.integers(1, 8), st.integers(64, 8192), st.integers(1, 200), st.floats(0, 60), st.booleans(), st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


@given(OFFERS, st.floats(0.1, 6), st.floats(64, 8192), st.integers(1, 200), st.floats(1, 60))
def test_the_pick_is_never_above_the_budget_nor_below_the_need(offers: list[Offer], cores: float, memory: float, disk: int, budget: float) -> None:
    asked = Need(growth=1, burst_cores=cores, steady_cores=cores / 4, memory_mib=memory, reference_units=None, cell=None)
    found = price(offers, asked, disk, budget, TODAY)
    good = [one for one in offers if one.verified and one.console and one.vcpus >= cores and one.memory_mib >= memory and one.disk_gib >= disk]
    if found.pick is None:
        assert found.eur_per_month is None and found.reason
        assert all(one.eur_per_month_gross > budget or cores / 4 > knee(one.vcpus) * one.vcpus for one in good)
        return
    picked = found.pick.offer
    assert picked in good and found.eur_per_month == picked.eur_per_month_gross <= budget


@pytest.mark.parametrize(("hosts", "services", "vcpus"), [(50, 20, 2), (51, 20, 4), (200, 100, 16)])
def test_published_rules_say_where_they_are_from(hosts: int, services: int, vcpus: float) -> None:
    zabbix, puppet_server, puppetdb = rules(hosts, services)
    assert zabbix.vcpus == vcpus and "1024 MB" in puppet_server.gives and f"{128 + hosts} MB" in puppetdb.gives
    assert all(one.source.address.startswith("https://") for one in (zabbix, puppet_server, puppetdb))


def test_units_of_memory_are_read_from_their_names() -> None:
    run = Machine().run(LARGE, load(50), "steady", "short", 0)
    assert set(metrics.memory_by_unit(run)) == {"icinga2", "icingadb", "php-fpm", "postgresql", "valkey"}

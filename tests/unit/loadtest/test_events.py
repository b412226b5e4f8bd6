"""What happens in the midst of a run: Puppet runs that end in time, and those that are cut."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from loadtest import objectives
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen
from loadtest.rig import Rig
from loadtest.samples import Sample
from loadtest.scenarios import Length
from loadtest.scenarios.collect import LONGEST_S, collect
from loadtest.scenarios.outage import AFTER_S, recovery
from loadtest.scenarios.soak import growth
from provision.puppet_run import CUT, PuppetRun


def rig(seconds: Sequence[float], asked: list[tuple[str, float]]) -> Rig:
    """A rig's double, whose Puppet runs take so long unless they are cut."""
    left = list(seconds)

    def agent_run(kind: str, *, cut_s: float) -> PuppetRun:
        asked.append((kind, cut_s))
        takes = left.pop(0)
        return PuppetRun(seconds=min(takes, cut_s), exit_code=CUT if takes > cut_s else 0, resources=900, changed=0, failed=0, compile_s=1)

    return cast(Rig, SimpleNamespace(work=SimpleNamespace(agent_run=agent_run)))


@pytest.mark.parametrize(
    ("length", "takes", "value", "repeats"),
    [
        ("short", [20], 20, 1),
        ("full", [20, 25, 22], 22, 3),
        ("short", [1000], LONGEST_S, 1),
        ("full", [1000], LONGEST_S, 1),
        ("full", [29, 1000], LONGEST_S, 2),
        ("full", [29, 28, 1000], 29, 3),
    ],
)
def test_collecting_runs_are_measured_and_none_is_begun_after_one_that_is_cut(length: Length, takes: list[float], value: float, repeats: int) -> None:
    asked: list[tuple[str, float]] = []
    found = collect(rig(takes, asked), length)
    assert asked == [("monitor", LONGEST_S)] * repeats
    assert found["collect_s"].value == value
    assert found["collect_s"].repeats == repeats


def test_a_cut_run_breaks_the_objective() -> None:
    assert not objectives.COLLECTING.met_by(LONGEST_S)


DUE = [Due(host, "x", float(at)) for host, phase in (("a", 0), ("b", 30)) for at in range(phase, 600, 60)]
MENDED = {"mended_at_s": Estimate.exact(300), "reconnected_s": Estimate.exact(8)}


def arrived(late: dict[tuple[str, float], float], lost: set[tuple[str, float]], bad: set[tuple[str, float]]) -> list[Seen]:
    """Every planned result, 0.1 s after its time or later; some never, some of a service that is not good."""
    return [Seen(one.at + late.get((one.host, one.at), 0.1), one.host, "x", one.at, one.at, 3 if (one.host, one.at) in bad else 0) for one in DUE if (one.host, one.at) not in lost]


@pytest.mark.parametrize(
    ("late", "lost", "bad", "recovery_s", "not_good"),
    [
        ({("a", 240.0): 65}, set(), set(), 8, 0),  # what fell into the outage is late, whatever the machine does
        ({("a", 300.0): 7}, set(), set(), 8, 0),
        ({("a", 360.0): 45}, set(), set(), 105, 0),
        ({}, {("b", 450.0)}, set(), 150, 0),
        ({}, set(), {("b", 570.0)}, 8, 1),
        ({}, set(), {("b", 390.0)}, 8, 0),
    ],
)
def test_an_outage_is_over_when_results_are_in_time_again_and_states_good(
    late: dict[tuple[str, float], float], lost: set[tuple[str, float]], bad: set[tuple[str, float]], recovery_s: float, not_good: int
) -> None:
    found = recovery(rig([], []), MENDED, DUE, arrived(late, lost, bad), [], 0)
    assert (found["recovery_s"].value, found["not_good_again"].value) == (recovery_s, not_good)


def test_the_load_lasts_longer_than_a_recovery_may() -> None:
    assert objectives.RECOVERED.target < AFTER_S


def memory(unit: str, at_hour: Callable[[float], float], seconds: range = range(1000, 4601, 30)) -> list[Sample]:
    """A service's memory, looked at about every 30 s of an hour; the noise is drawn."""
    draw = random.Random(unit)
    return [Sample(at + draw.uniform(0, 0.2), "units", "pss_mib", at_hour((at - 1000) / 3600) + draw.gauss(0, 0.3), f"unit={unit}") for at in seconds]


def test_a_leak_is_told_from_noise_and_from_what_fills() -> None:
    steady = [*memory("icinga2", lambda hour: 100 + 30 * min(hour, 0.3)), *memory("postgresql@17-main", lambda hour: 50 + 80 * hour)]
    still = growth(rig([], []), {}, [], [], steady, 1000)
    assert still["memory_surely_grows_mib_per_h"].value < objectives.NO_LEAK.target and "memory_growth_postgresql@17-main_mib_per_h" not in still
    leaking = growth(rig([], []), {}, [], [], [*steady, *memory("icingadb", lambda hour: 20 + 6 * hour)], 1000)
    assert leaking["memory_growth_icingadb_mib_per_h"].low < 6 < leaking["memory_growth_icingadb_mib_per_h"].high
    assert leaking["memory_surely_grows_mib_per_h"].value > objectives.NO_LEAK.target
    assert leaking["memory_growth_mib_per_h"].value == pytest.approx(sum(leaking[f"memory_growth_{unit}_mib_per_h"].value for unit in ("icinga2", "icingadb")), abs=1e-3)
    passing = memory("apt-daily", lambda hour: 500, range(4000, 4200, 30))
    with_it = growth(rig([], []), {}, [], [], [*steady, *passing], 1000)["memory_growth_mib_per_h"]
    assert with_it.value == pytest.approx(still["memory_growth_mib_per_h"].value, abs=0.05)
    assert growth(rig([], []), {}, [], [], [], 1000) == {}

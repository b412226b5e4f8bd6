"""The end of a warm-up, on series whose end is known."""

from __future__ import annotations

import math
import random

import pytest

from loadtest.measuring import warmed_up_s
from loadtest.samples import Sample, by_second
from loadtest.scenarios import find, names
from loadtest.warm_up import settled

STEPS, LEAST, MOST = 75, 15, 35


def noise(seed: int, sigma: float = 0.03) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(0, sigma) for _ in range(STEPS)]


@pytest.mark.parametrize("seed", range(20))
def test_a_series_that_is_steady_from_the_start_begins_as_planned(seed: int) -> None:
    found = settled([0.3 + one for one in noise(seed)], LEAST, MOST)
    assert found is not None and LEAST <= found <= MOST
    assert settled([0.3] * STEPS, LEAST, MOST) == LEAST  # without noise it is exact


@pytest.mark.parametrize("seed", range(20))
def test_a_step_is_found_to_the_batch(seed: int) -> None:
    for step in (20, 25, 30):
        values = [(1.0 if at < step else 0.3) + one for at, one in enumerate(noise(seed))]
        found = settled(values, LEAST, MOST)
        assert found is not None and step <= found <= MOST


@pytest.mark.parametrize("seed", range(20))
def test_a_decay_is_left_out(seed: int) -> None:
    values = [0.3 + 0.9 * math.exp(-at / 6) + one for at, one in enumerate(noise(seed, 0.01))]
    found = settled(values, 0, MOST)
    assert found is not None and found >= 10


@pytest.mark.parametrize("seed", range(20))
def test_a_series_that_never_settles_is_told(seed: int) -> None:
    growing = [0.1 + 0.01 * at + one for at, one in enumerate(noise(seed))]
    late = [(1.0 if at < 50 else 0.2) + one for at, one in enumerate(noise(seed))]
    assert settled(growing, LEAST, MOST) is None
    assert settled(late, LEAST, MOST) is None


@pytest.mark.parametrize("seed", range(20))
def test_one_loud_moment_is_no_drift(seed: int) -> None:
    values = [0.3 + (0.7 if 60 <= at < 63 else 0.0) + one for at, one in enumerate(noise(seed))]
    assert settled(values, LEAST, MOST) is not None


def test_noise_alone_is_no_drift_however_large() -> None:
    source = random.Random(1)
    steady = [settled([max(0.0, source.gauss(0.1, 0.1)) for _ in range(STEPS)], LEAST, MOST) for _ in range(200)]
    assert sum(found is None for found in steady) <= 10


def test_what_hardly_differs_has_settled() -> None:
    values = [0.02] * 50 + [0.035] * 25
    assert settled(values, LEAST, MOST) is None
    assert settled(values, LEAST, MOST, alike=0.02) is not None


def test_a_short_series_gets_no_verdict() -> None:
    assert settled([5.0, 1.0, 1.0], 2, 3) == 2
    assert settled([], 15, 35) == 15


def counter(rates: list[float], begins: float = 1e9, every_s: float = 1.03) -> list[Sample]:
    """Samples of a CPU counter, not quite once a second, that grows at these rates by the second."""
    found, at = [], -3.0
    while at < len(rates) + 3:
        whole = max(0, min(int(at), len(rates)))
        used = sum(rates[:whole]) + (rates[whole] * (at - whole) if 0 <= at < len(rates) else 0.0)
        found.append(Sample(begins + at, "groups", "cpu_s", 7.0 + used, "machine=monitor"))
        at += every_s
    return found


def test_a_counter_becomes_rates_by_the_second() -> None:
    rates = by_second(counter([0.5] * 20, 100.0), 100.0, 20)
    assert len(rates) == 20 and rates[1:-1] == pytest.approx([0.5] * 18)  # the ends share a sample with what is outside
    assert sum(by_second(counter([0.5, 1.5] * 10, 100.0), 100.0, 20)) == pytest.approx(20, abs=1.5)
    assert by_second([], 100.0, 20) == []


def test_the_window_begins_where_the_machine_has_settled() -> None:
    def begins(rates: list[float], even_s: float = 75) -> float | None:
        return warmed_up_s(counter(rates), 1e9, 15, 60, even_s)

    assert begins([0.3] * 75) == 15
    later = begins([1.0] * 27 + [0.3] * 48)
    assert later is not None and 27 <= later <= 35
    assert begins([1.0] * 50 + [0.3] * 25) is None
    assert begins([0.3] * 27 + [1.0] * 48, even_s=27) == 15  # what an event does is no warm-up


@pytest.mark.parametrize("name", names())
def test_each_scenario_has_time_to_settle_in(name: str) -> None:
    scenario = find(name)
    assert scenario.even_s(60) >= scenario.warm_up_s
    assert scenario.event is None or scenario.even_s(60) < scenario.warm_up_s + 60

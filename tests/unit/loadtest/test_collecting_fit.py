"""Medians, ratios and exponents come back from made figures whose truth is known, and their intervals hold it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.collecting import fit

SIZES = (1050, 3150, 10017)


def made(k: float, b: float, noise: float, seed: int, repeats: int = 9) -> dict[int, list[float]]:
    """Costs that follow b * n^k with a relative error."""
    random = np.random.default_rng(seed)
    return {size: list(b * size**k * (1 + noise * random.standard_normal(repeats))) for size in SIZES}


@given(k=st.floats(0.5, 2.0), b=st.floats(1e-5, 1e-2))
@settings(max_examples=10)
def test_an_exact_power_law_gives_its_exponent_and_no_interval(k: float, b: float) -> None:
    found = fit.exponent(made(k, b, 0.0, 1))
    assert found.value == pytest.approx(k, abs=1e-9)
    assert found.high - found.low < 1e-9
    assert fit.factor(made(k, b, 0.0, 1), k) == pytest.approx(b, rel=1e-6)


def test_a_noisy_one_lies_in_its_interval_nearly_always() -> None:
    inside = 0
    for seed in range(40):
        found = fit.exponent(made(1.0, 1e-4, 0.1, seed))
        inside += found.low <= 1.0 <= found.high
        assert found.repeats == 9
    assert inside >= 32


def test_a_quadratic_cost_is_told_from_a_linear_one() -> None:
    assert fit.exponent(made(2.0, 1e-7, 0.1, 3)).low > 1.5
    assert fit.exponent(made(1.0, 1e-4, 0.1, 3)).high < 1.3


def test_a_small_cost_that_is_nearly_all_noise_hardly_moves_the_exponent() -> None:
    calm = made(1.0, 1e-4, 0.01, 5)
    calm[105] = [0.001, 0.03, 0.002, 0.04, 0.003, 0.001, 0.002, 0.05, 0.001]
    assert fit.exponent(calm).value == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("costs", [{1050: [1.0]}, {0: [1.0], 1050: [2.0]}, {1050: [0.1], 10017: [-0.1]}])
def test_what_has_no_exponent_is_refused(costs: dict[int, list[float]]) -> None:
    with pytest.raises(ValueError):
        fit.exponent(costs)


def test_a_ratio_is_that_of_medians_and_knows_noise() -> None:
    calm = fit.ratio([10.0, 10.1, 9.9, 10.0, 30.0], [0.5, 0.5, 0.5, 0.51, 0.49])
    assert calm.value == pytest.approx(20.0) and calm.low <= 20.0 <= calm.high
    loud = fit.ratio([10.0] * 5, [-0.2, 0.1, 0.5, 0.9, 1.4])
    assert loud.high / loud.low > 5
    assert fit.ratio([10.0] * 5, [-0.1] * 5).value == fit.ENDLESS


def test_intervals_are_the_same_every_time() -> None:
    assert fit.median([1.0, 2.0, 4.0, 3.0, 9.0]) == fit.median([1.0, 2.0, 4.0, 3.0, 9.0])
    assert fit.median([3.0]).low == 3.0 == fit.median([3.0]).high

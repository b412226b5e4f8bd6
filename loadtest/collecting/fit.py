"""Medians, ratios and the power law of costs, each with its interval. Pure; a seed makes the intervals the same every time.

Intervals are 95 % percentile bootstraps over whole repeats: a repeat's error is shared by all that was measured in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from loadtest.estimate import Estimate

DRAWS = 4000
SEED = 1
CERTAIN = 0.02
"""A spread below this share of the median counts as this one: no figure outweighs all others by luck."""
ENDLESS = 1e9
"""Stands for a ratio without an end, where the cheap one may cost nothing."""
Floats = npt.NDArray[np.float64]


def median(values: Sequence[float]) -> Estimate:
    """The median of repeated measurements."""
    return _interval(_medians(values, _random()), len(values))


def ratio(dear: Sequence[float], cheap: Sequence[float]) -> Estimate:
    """How many times the median of one is the median of the other; an end that is not finite becomes 0 or a very large number."""
    random = _random()
    above, below = _medians(dear, random), _medians(cheap, random)
    found = np.full_like(above, ENDLESS)
    return _interval(np.divide(above, below, out=found, where=below > 0), min(len(dear), len(cheap)))


def exponent(costs: Mapping[int, Sequence[float]]) -> Estimate:
    """The k of cost = b * n^k, from the costs of n objects, what a run without any costs taken off already.

    Least squares of logarithms of medians, each counted by how certain it is: a small cost among noise says little. Raises ValueError where fewer than two sizes, or a median that is not positive, leave nothing to fit.
    """
    sizes = sorted(costs)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError("a power law needs two sizes at least, none of them 0")
    if any(float(np.median(costs[size])) <= 0 for size in sizes):
        raise ValueError("a cost that is not above nothing has no logarithm")
    x = np.log(np.array(sizes, dtype=float))
    weights = np.array([1 / max(spread(costs[size]), CERTAIN) for size in sizes])
    random = _random()
    medians = np.stack([_medians(costs[size], random) for size in sizes])
    slopes = np.polyfit(x, np.log(np.maximum(medians, 1e-6)), 1, w=weights)[0]
    return _interval(slopes, min(len(found) for found in costs.values()))


def factor(costs: Mapping[int, Sequence[float]], k: float) -> float:
    """The b that goes with an exponent: seconds that one object costs where k is 1."""
    return float(np.exp(np.mean([np.log(max(float(np.median(found)), 1e-6)) - k * np.log(size) for size, found in costs.items()])))


def spread(values: Sequence[float]) -> float:
    """The middle half of the values, as a share of their median."""
    low, middle, high = np.percentile(np.asarray(values, dtype=float), [25, 50, 75])
    return float((high - low) / abs(middle)) if middle else float("inf")


def _random() -> np.random.Generator:
    return np.random.default_rng(SEED)


def _medians(values: Sequence[float], random: np.random.Generator) -> Floats:
    """The median of the values as they are, and after it those of DRAWS resampled ones."""
    measured = np.asarray(values, dtype=float)
    drawn = np.median(random.choice(measured, (DRAWS, len(measured))), axis=1)
    return np.concatenate([[np.median(measured)], drawn])


def _interval(statistics: Floats, repeats: int) -> Estimate:
    """An estimate from the statistic of the values as they are, which comes first, and of resampled ones."""
    value = float(statistics[0])
    low, high = (float(it) for it in np.percentile(statistics[1:], [2.5, 97.5]))
    return Estimate(value=value, low=min(low, value), high=max(high, value), repeats=repeats)

"""95 % intervals of figures from one run. Pure.

A rate: by batch means (A. M. Law, W. D. Kelton, Simulation Modeling and Analysis, section on output analysis): the window in BATCHES parts of equal length, whose means
count as independent. A quantile: between the order statistics that a binomial count of what lies below puts around it (W. J. Conover, Practical Nonparametric Statistics,
section on quantiles), as if arrivals were independent; arrivals of one burst are not, so that two runs may differ by more.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from loadtest.estimate import Estimate
from loadtest.latency import Latencies

BATCHES = 10
T_975 = 2.262
"""Student's t for BATCHES - 1 = 9 degrees of freedom (any table)."""
T_975_LINE = 2.306
"""The same for BATCHES - 2 = 8: a line has two parameters."""
Z_975 = 1.960
"""The same of the normal distribution."""


def of_rate(value: float, each_second: Sequence[float]) -> Estimate:
    """A mean rate with its interval, from how much there was in each second; too few seconds give none."""
    length = len(each_second) // BATCHES
    if length < 2:
        return Estimate.exact(round(value, 6))
    means = [statistics.fmean(each_second[at * length : (at + 1) * length]) for at in range(BATCHES)]
    half = T_975 * statistics.stdev(means) / math.sqrt(BATCHES)
    return Estimate(value=round(value, 6), low=round(max(0.0, value - half), 6), high=round(value + half, 6))


def of_slope(times: Sequence[float], values: Sequence[float]) -> Estimate | None:
    """How much a value grows in one unit of time: a line by least squares through the means of BATCHES parts, its interval from how far they lie beside it. None of too few values."""
    length = len(values) // BATCHES
    if length < 1:
        return None
    x, y = ([statistics.fmean(one[at * length : (at + 1) * length]) for at in range(BATCHES)] for one in (times, values))
    line = statistics.linear_regression(x, y)
    beside = math.sqrt(sum((b - line.intercept - line.slope * a) ** 2 for a, b in zip(x, y, strict=True)) / (BATCHES - 2))
    half = T_975_LINE * beside / math.sqrt(sum((a - statistics.fmean(x)) ** 2 for a in x))
    return Estimate(value=round(line.slope, 6), low=round(line.slope - half, 6), high=round(line.slope + half, 6))


def of_quantile(found: Latencies, ratio: float) -> Estimate:
    """A quantile with its interval."""
    value = found.quantile(ratio)
    half = Z_975 * math.sqrt(ratio * (1 - ratio) / max(1, found.count))
    low, high = found.quantile(max(0.0, ratio - half)), found.worst if ratio + half >= 1 else found.quantile(ratio + half)
    return Estimate(value=round(value, 6), low=round(min(low, value), 6), high=round(max(high, value), 6))

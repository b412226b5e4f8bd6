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
T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Student's t, 0.975 quantile, for 1 to 15 degrees of freedom; https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm."""
T_MORE = 2.120
"""The same for 16, which is on the safe side for more."""
Z_975 = 1.960
"""The same of the normal distribution."""


def t_975(freedom: int) -> float:
    """Student's t for a two-sided 95 % interval."""
    return T_975[freedom - 1] if freedom <= len(T_975) else T_MORE


def of_rate(value: float, each_second: Sequence[float]) -> Estimate:
    """A mean rate with its interval, from how much there was in each second; too few seconds give none."""
    length = len(each_second) // BATCHES
    if length < 2:
        return Estimate.exact(round(value, 6))
    means = [statistics.fmean(each_second[at * length : (at + 1) * length]) for at in range(BATCHES)]
    half = t_975(BATCHES - 1) * statistics.stdev(means) / math.sqrt(BATCHES)
    return Estimate(value=round(value, 6), low=round(max(0.0, value - half), 6), high=round(value + half, 6))


def of_slope(times: Sequence[float], values: Sequence[float]) -> Estimate | None:
    """How much a value grows in one unit of time: a line by least squares through the means of BATCHES parts, its interval from how far they lie beside it. None of too few values."""
    length = len(values) // BATCHES
    if length < 1:
        return None
    x, y = ([statistics.fmean(one[at * length : (at + 1) * length]) for at in range(BATCHES)] for one in (times, values))
    line = statistics.linear_regression(x, y)
    beside = math.sqrt(sum((b - line.intercept - line.slope * a) ** 2 for a, b in zip(x, y, strict=True)) / (BATCHES - 2))
    half = t_975(BATCHES - 2) * beside / math.sqrt(sum((a - statistics.fmean(x)) ** 2 for a in x))
    return Estimate(value=round(line.slope, 6), low=round(line.slope - half, 6), high=round(line.slope + half, 6))


def of_quantile(found: Latencies, ratio: float) -> Estimate:
    """A quantile with its interval."""
    value = found.quantile(ratio)
    half = Z_975 * math.sqrt(ratio * (1 - ratio) / max(1, found.count))
    low, high = found.quantile(max(0.0, ratio - half)), found.worst if ratio + half >= 1 else found.quantile(ratio + half)
    return Estimate(value=round(value, 6), low=round(min(low, value), 6), high=round(max(high, value), 6))

"""A straight line through measured points, with the interval of what it predicts. Pure.

Least squares; intervals are two-sided 95 % ones with Student's t, of a new measurement at x (a prediction interval). Nowhere is one
narrower than at x = 0, so that its upper end never falls when x grows. A slope below zero is taken as zero: none of what we fit falls
when its x grows, less is only noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from loadtest.estimate import Estimate
from loadtest.intervals import t_975
from vm.artefact import Record


class Line(Record):
    """y = base + slope x. spread: the residual standard error; mean_x and sum_squares: what the interval needs of the points."""

    base: float
    slope: Estimate
    spread: float
    points: int
    mean_x: float
    sum_squares: float
    largest_x: float

    def at(self, x: float) -> Estimate:
        """The prediction at x, with its interval; never below zero."""
        value = self.base + self.slope.value * x
        far = max(abs(x - self.mean_x), self.mean_x)
        half = t_975(self.points - 2) * self.spread * math.sqrt(1 + 1 / self.points + far**2 / self.sum_squares)
        return Estimate(value=max(0.0, value), low=max(0.0, min(value - half, value)), high=max(0.0, value + half), repeats=self.points)


def fit(points: Sequence[tuple[float, float]]) -> Line | None:
    """The line through points (x, y); None where they do not tell one: fewer than three of them, or all at one x."""
    count = len(points)
    if count < 3:
        return None
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    sum_squares = sum((x - mean_x) ** 2 for x, _ in points)
    if sum_squares <= 1e-12 * max(1.0, mean_x**2):
        return None
    slope = max(0.0, sum((x - mean_x) * (y - mean_y) for x, y in points) / sum_squares)
    base = mean_y - slope * mean_x
    if base < 0:  # nothing costs less than nothing: the line goes through the origin then
        base, slope = 0.0, sum(x * y for x, y in points) / sum(x * x for x, _ in points)
    spread = math.sqrt(sum((y - base - slope * x) ** 2 for x, y in points) / (count - 2))
    half = t_975(count - 2) * spread / math.sqrt(sum_squares)
    return Line(
        base=base,
        slope=Estimate(value=slope, low=max(0.0, slope - half), high=slope + half, repeats=count),
        spread=spread,
        points=count,
        mean_x=mean_x,
        sum_squares=sum_squares,
        largest_x=max(x for x, _ in points),
    )


def mean(values: Sequence[float]) -> Estimate | None:
    """The mean of values with the 95 % interval of a further one; None without values, without an interval for a single one."""
    count = len(values)
    if not count:
        return None
    middle = sum(values) / count
    if count == 1:
        return Estimate.exact(middle)
    spread = math.sqrt(sum((value - middle) ** 2 for value in values) / (count - 1))
    half = t_975(count - 1) * spread * math.sqrt(1 + 1 / count)
    return Estimate(value=middle, low=max(min(0.0, middle), middle - half), high=middle + half, repeats=count)

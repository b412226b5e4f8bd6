"""Where a run's warm-up ends: at a change point of a series, not by the clock. Pure.

Truncation by MSER-5: of all points at which the beginning could be cut off, the one that leaves the smallest standard error of the rest's
mean (K. P. White, An effective truncation heuristic for bias reduction in simulation output, Simulation 69(6), 1997), on batches of five
(White, Cobb, Spratt, A comparison of five steady-state truncation heuristics for simulation, Winter Simulation Conference 2000). Batches
stand by their medians here, so that one loud second is no change point.

MSER always names a point. Whether the rest is steady is asked apart, in the manner of J. Geweke (1992): its first and last thirds have to agree.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

BATCH = 5
LEAST_BATCHES = 4
"""What has to remain, so that its ends can be compared."""
DRIFT = 0.25
"""Ends whose medians differ by more than this share of the larger one have not settled, if noise does not explain it."""
SIGMAS = 3.0
MEDIANS_APART = 1.77
"""Standard error of the difference of two medians of n normal values, as a multiple of sigma / sqrt(n)."""


def settled(values: Sequence[float], least: int, most: int, alike: float = 0.0) -> int | None:
    """From which value on the series is steady: `least` at the earliest, `most` at the latest; None when it never is.

    values: one each step, from the beginning of the run. alike: what differs by less never counts as a drift. A series too short for a verdict is steady from `least` on.
    """
    batches = [statistics.median(values[at : at + BATCH]) for at in range(0, len(values) - BATCH + 1, BATCH)]
    if len(batches) < LEAST_BATCHES:
        return least
    last = min(most // BATCH, len(batches) - LEAST_BATCHES)
    cut = min(range(max(0, last) + 1), key=lambda at: standard_error(batches[at:]))
    begins = max(least, cut * BATCH)
    rest = batches[-(-begins // BATCH) :]
    return None if len(rest) >= LEAST_BATCHES and drifts(rest, alike) else begins


def standard_error(batches: Sequence[float]) -> float:
    """MSER's figure: the squared standard error of a mean, as if its values were independent."""
    middle = statistics.fmean(batches)
    return sum((one - middle) ** 2 for one in batches) / len(batches) ** 2


def drifts(batches: Sequence[float], alike: float) -> bool:
    """Whether the last third lies elsewhere than the first. Noise is judged by neighbours, which a drift leaves alike."""
    third = max(2, len(batches) // 3)
    first, last = statistics.median(batches[:third]), statistics.median(batches[-third:])
    steps = [abs(after - before) for before, after in zip(batches, batches[1:], strict=False)]
    noise = statistics.median(steps) / (0.6745 * math.sqrt(2))
    return abs(first - last) > max(alike, DRIFT * max(abs(first), abs(last)), SIGMAS * noise * MEDIANS_APART / math.sqrt(third))

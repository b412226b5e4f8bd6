"""Latencies in HDR histograms: from the intended time, to the microsecond, three significant digits, mergeable.

Owns the units (seconds outside, microseconds inside) and the range: from 1 microsecond to an hour.
"""

from __future__ import annotations

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

HOUR_US = 3_600_000_000
DIGITS = 3


class Latencies:
    """Latencies of one kind of arrival."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, HOUR_US, DIGITS)

    def record(self, seconds: float) -> None:
        """Count one latency. Less than a microsecond counts as one; more than an hour as an hour."""
        self._histogram.record_value(min(HOUR_US, max(1, round(seconds * 1e6))))

    @property
    def count(self) -> int:
        """How many were counted."""
        return int(self._histogram.get_total_count())

    def quantile(self, ratio: float) -> float:
        """The latency in seconds that this share of arrivals did not exceed; 0 when there was none."""
        return float(self._histogram.get_value_at_percentile(ratio * 100)) / 1e6 if self.count else 0.0

    @property
    def worst(self) -> float:
        """The longest one in seconds."""
        return float(self._histogram.get_max_value()) / 1e6 if self.count else 0.0

    def encoded(self) -> str:
        """As text, in the format of HdrHistogram (V2, compressed, base64)."""
        return bytes(self._histogram.encode()).decode()


def merged(encoded: Iterable[str]) -> Latencies:
    """One histogram from several encoded ones."""
    total = Latencies()
    for one in encoded:
        total._histogram.decode_and_add(one.encode())
    return total

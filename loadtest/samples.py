"""Samples: one long table `time_s,probe,metric,value,labels`, gzipped CSV, from which every statistic can be computed again.

time_s is seconds since the epoch. labels is "key=value" words; counters stay counters, as the kernel or the service has them.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vm.artefact import write_file

COLUMNS = ("time_s", "probe", "metric", "value", "labels")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric at one time. Units end the metrics' names."""

    time_s: float
    probe: str
    metric: str
    value: float
    labels: str = ""


def save(samples: Iterable[Sample], path: Path) -> None:
    """Write the table."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows((f"{one.time_s:.3f}", one.probe, one.metric, f"{one.value:.10g}", one.labels) for one in samples)
    write_file(path, gzip.compress(text.getvalue().encode(), mtime=0))


def read(path: Path) -> list[Sample]:
    """Read a table back."""
    with gzip.open(path, "rt", newline="") as text:
        return [Sample(float(row["time_s"]), row["probe"], row["metric"], float(row["value"]), row["labels"]) for row in csv.DictReader(text)]


def series(samples: Iterable[Sample], metric: str, labels: str, begins: float, ends: float) -> list[Sample]:
    """One metric of one thing between two times, in order."""
    found = (one for one in samples if one.metric == metric and one.labels == labels and begins <= one.time_s <= ends)
    return sorted(found, key=lambda one: one.time_s)


def peak(found: list[Sample]) -> float | None:
    """The largest value; None of nothing."""
    return max((one.value for one in found), default=None)


def rate(found: list[Sample]) -> float | None:
    """How much a counter grew in a second; None of less than two samples. A counter that was set back counts from there."""
    if len(found) < 2 or found[-1].time_s <= found[0].time_s:
        return None
    grown = sum(max(0.0, after.value - before.value) for before, after in zip(found, found[1:], strict=False))
    return grown / (found[-1].time_s - found[0].time_s)

"""Samples: one long table `time_s,probe,metric,value,labels`, gzipped CSV, from which every statistic can be computed again.

time_s is seconds since the epoch. labels is "key=value" words; counters stay counters, as the kernel or the service has them.
"""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("time_s", "probe", "metric", "value", "labels")
COST = "cost"
"""The probe's name under which stands what probing itself takes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric at one time. Units end the metrics' names."""

    time_s: float
    probe: str
    metric: str
    value: float
    labels: str = ""


class Table:
    """A table that grows while it is measured: plain text until `close` packs it, so that a run that was cut leaves what it had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._plain = plain(path)
        self._plain.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._stream = self._plain.open("w", newline="")
        self._rows = csv.writer(self._stream)
        self._rows.writerow(COLUMNS)

    def add(self, samples: Iterable[Sample]) -> None:
        """Append, and hand it to the system at once."""
        self._rows.writerows((f"{one.time_s:.3f}", one.probe, one.metric, f"{one.value:.10g}", one.labels) for one in samples)
        self._stream.flush()

    def close(self) -> None:
        """Pack the table and remove the plain one; its bits depend on its content alone."""
        self._stream.close()
        packed = self.path.with_name(f".{self.path.name}.new")
        with self._plain.open("rb") as source, packed.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as target:
            shutil.copyfileobj(source, target)
        packed.replace(self.path)
        self._plain.unlink()


def plain(path: Path) -> Path:
    """Where a table is while it grows: beside itself, without `.gz`."""
    return path.with_suffix("")


def save(samples: Iterable[Sample], path: Path) -> None:
    """Write a whole table."""
    table = Table(path)
    table.add(samples)
    table.close()


def rows(path: Path) -> Iterator[Sample]:
    """One sample after the other, also of a table that still grows or was cut; its last line may be half written and is left out then."""
    with gzip.open(path, "rt", newline="") if path.exists() else plain(path).open(newline="") as text:
        for row in csv.DictReader(line for line in text if line.endswith("\n")):
            yield Sample(float(row["time_s"]), row["probe"], row["metric"], float(row["value"]), row["labels"])


def read(path: Path) -> list[Sample]:
    """Read a table back as a whole."""
    return list(rows(path))


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


def by_second(found: list[Sample], begins: float, seconds: int) -> list[float]:
    """How much a counter grew in each second from `begins` on; samples are taken as evenly spread between two. Ends where they end."""
    grown, at = [], 0
    for second in range(seconds + 1):
        time_s = begins + second
        while at + 1 < len(found) and found[at + 1].time_s < time_s:
            at += 1
        if at + 1 >= len(found):
            break
        before, after = found[at], found[at + 1]
        share = (time_s - before.time_s) / max(1e-9, after.time_s - before.time_s)
        grown.append(before.value + share * (after.value - before.value))
    return [after - before for before, after in zip(grown, grown[1:], strict=False)]

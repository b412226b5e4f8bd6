"""A run's figures from its raw data alone, as anybody can compute them again: from what probes read, what was sent when, and what Icinga told of it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

from loadtest import fleet_load, measuring, samples
from loadtest.estimate import Estimate
from loadtest.latency import Latencies
from loadtest.lateness import Due, Seen
from loadtest.run import Run


def figures(run: Run, folder: Path) -> dict[str, Estimate]:
    """Every metric that the files of the run in this folder tell; nothing of a run that was cut before it began."""
    if not run.phases:
        return {}
    begins_s, ends_s = run.phases[-1].begins_s, run.phases[-1].ends_s
    begins, ends = run.began_at + begins_s, run.began_at + ends_s
    found: dict[str, float | Estimate] = {}
    if (path := folder / run.files.get("samples", "")).is_file():
        read = samples.read(path)
        found |= measuring.of_machine(read, begins, ends) | measuring.of_mails(read, begins, ends)
    sent = [row for name, path in run.files.items() if name.startswith("arrivals") and (folder / path).is_file() for row in rows(folder / path)]
    if sent and (path := folder / run.files.get("results", "")).is_file():
        seen = [Seen(float(at), host, service, float(scheduled), 0.0, int(state)) for at, host, service, scheduled, state in rows(path)]
        due = [Due(actor, detail, run.began_at + float(at)) for at, _, _, actor, what, detail, _ in sent if what == fleet_load.RESULT and begins_s <= float(at) < ends_s]
        found |= measuring.of_results(due, seen, ends - begins)
    for what, name in measuring.NAMED.items():
        answered = Latencies()
        for at, _, ended, _, kind, _, error in sent:
            if kind == what and not error:
                answered.record(float(ended) - float(at))
        if answered.count:
            found |= measuring.quantiles(name, answered)
    return measuring.estimates(found)


def rows(path: Path) -> Iterator[list[str]]:
    """The rows of a gzipped table, its head left out."""
    with gzip.open(path, "rt", newline="") as text:
        table = csv.reader(text)
        next(table, None)
        yield from table

"""The monitor's last Puppet run, from the summary that the agent leaves."""

from __future__ import annotations

from collections.abc import Iterator

from loadtest.inside import Place, Reading

MACHINE = "monitor"
SUMMARY = "var/cache/puppet/public/last_run_summary.yaml"
WANTED = {
    ("time", "last_run"): "ended_s", ("time", "total"): "run_s", ("time", "config_retrieval"): "catalog_s",
    ("resources", "total"): "resources", ("resources", "changed"): "changed", ("resources", "failed"): "failed",
}  # fmt: skip


def readings(text: str) -> Iterator[Reading]:
    """Readings in a summary: two levels of keys with plain values, as Puppet 8 writes it. Pure."""
    section = ""
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if line and not line[0].isspace():
            section = name
        elif (metric := WANTED.get((section, name))) is not None:
            yield metric, float(value), ""


class Probe:
    """Reads the file when it is another than before, and in the first turn."""

    def __init__(self, place: Place) -> None:
        self._summary = place.root / SUMMARY
        self._seen = 0

    def read(self, turn: int) -> Iterator[Reading]:
        """The summary of a run that ended since the last look."""
        changed = self._summary.stat().st_mtime_ns
        if changed != self._seen:
            self._seen = changed
            yield from readings(self._summary.read_text())

"""How long a state change takes to the database: seen by one psql that looks for new rows of the state history twice a second.

The resolution is that of the looks; a delay is never reported smaller than it was, and at most one look larger.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from loadtest.latency import Latencies
from vm.artefact import write_file
from vm.errors import WatchpostError

LOOK_S = 0.5
BACK_S = 30
"""Rows older than this when first seen would be missed; the objective ends far below."""
SQL = f"""\\pset tuples_only on
\\pset format unaligned
SELECT encode(id, 'hex'), event_time, round(extract(epoch FROM clock_timestamp()) * 1000) FROM state_history
  WHERE event_time > (extract(epoch FROM clock_timestamp()) - {BACK_S}) * 1000
\\watch {LOOK_S}
"""


def delays(lines: Iterable[str]) -> list[tuple[float, float]]:
    """When each row's event was (seconds since the epoch) and how long after it the row was first seen. Pure."""
    first: dict[str, tuple[float, float]] = {}
    for line in lines:
        parts = line.strip().split("|")
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            event = int(parts[1]) / 1000
            first.setdefault(parts[0], (event, int(parts[2]) / 1000 - event))
    return list(first.values())


class DatabaseDelay:
    """Looks from `start` to `stop`. ssh: the words that reach the monitor as root."""

    def __init__(self, ssh: Sequence[str], output: Path) -> None:
        self._argv = [*ssh, "runuser", "-u", "postgres", "--", "psql", "-q", "-d", "icingadb"]
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to look."""
        write_file(self._output, b"")
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        assert self._process.stdin
        self._process.stdin.write(SQL.encode())
        self._process.stdin.flush()

    def stop(self) -> None:
        """End the looking."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)

    def between(self, begins: float, ends: float) -> Latencies:
        """Delays of events between two times. Raises WatchpostError when psql ended early."""
        if self._process is None or self._process.returncode not in (-15, 255):
            raise WatchpostError("the look at the database ended early", str(self._output))
        found = Latencies()
        for event, delay in delays(self._output.read_text(errors="replace").splitlines()):
            if begins <= event < ends:
                found.record(delay)
        return found

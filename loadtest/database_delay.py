"""How long a state change takes to the database: seen by one psql that is asked for new rows of the state history twice a second.

The resolution is that of the looks; a delay is never reported smaller than it was, and at most one look larger. psql reads its questions as they
come and not with \\watch: so it ends with its input, even where the harness was killed.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from loadtest.latency import Latencies
from vm import processes
from vm.artefact import write_file
from vm.errors import WatchpostError

LOOK_S = 0.5
BACK_S = 30
"""Rows older than this when first seen would be missed; the objective ends far below."""
SETTINGS = "\\pset tuples_only on\n\\pset format unaligned\n"
SQL = f"""SELECT encode(id, 'hex'), event_time, round(extract(epoch FROM clock_timestamp()) * 1000) FROM state_history
  WHERE event_time > (extract(epoch FROM clock_timestamp()) - {BACK_S}) * 1000;
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
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="database delay", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        write_file(self._output, b"")
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        self._thread.start()

    def stop(self) -> None:
        """End the looking."""
        self._ending.set()
        if self._process is None:
            return
        self._thread.join(10)
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        processes.reap(self._process)

    def _look(self) -> None:
        assert self._process and self._process.stdin
        question = SETTINGS
        with contextlib.suppress(BrokenPipeError):
            while not self._ending.is_set():
                self._process.stdin.write((question + SQL).encode())
                self._process.stdin.flush()
                question = ""
                self._ending.wait(LOOK_S)

    def between(self, begins: float, ends: float) -> Latencies:
        """Delays of events between two times. Raises WatchpostError when psql ended early."""
        if self._process is None or self._process.returncode != 0:
            raise WatchpostError("the look at the database ended early", str(self._output))
        found = Latencies()
        for event, delay in delays(self._output.read_text(errors="replace").splitlines()):
            if begins <= event < ends:
                found.record(delay)
        return found

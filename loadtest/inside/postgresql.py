"""PostgreSQL of the monitor: connections, transactions, WAL, sizes; by one psql that is kept, as the database's own user."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator

from loadtest.inside import Place, Reading

MACHINE = "monitor"
ANSWER_S = 5.0
SIZE_TURNS = 30
"""pg_database_size looks at every file of a database."""
SQL = """SELECT 'connections|' || sum(numbackends), 'transactions|' || sum(xact_commit + xact_rollback), 'rows_written|' || sum(tup_inserted + tup_updated + tup_deleted),
 'temporary_bytes|' || sum(temp_bytes), 'deadlocks|' || sum(deadlocks) FROM pg_stat_database;
SELECT 'wal_bytes|' || wal_bytes FROM pg_stat_wal;
"""
SIZES = "SELECT 'database_bytes|' || pg_database_size(datname) || '|database=' || datname FROM pg_database WHERE NOT datistemplate;\n"
END = "\\echo end\n"


def readings(text: str) -> Iterator[Reading]:
    """Readings in what psql printed. Pure."""
    for line in text.splitlines():
        name, _, rest = line.partition("|")
        value, _, labels = rest.partition("|")
        with contextlib.suppress(ValueError):
            yield name, float(value), labels


class Probe:
    """One psql, started anew when it has ended."""

    def __init__(self, place: Place) -> None:
        self._argv = [*place.enter, "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env", "psql", "--no-psqlrc", "-q", "-A", "-t", "-d", "postgres"]
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._backend = 0

    def read(self, turn: int) -> Iterator[Reading]:
        """The statistics' views; sizes now and then; and what the server spends on answering this."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
            self._backend = int(self._ask("\\pset fieldsep '\\n'\nSET application_name = 'watchpost probes'; SELECT pg_backend_pid();\n").strip())
        yield from readings(self._ask(SQL + (SIZES if turn % SIZE_TURNS == 0 else "")))
        yield "answering_cpu_s", int((self._place.root / f"proc/{self._backend}/schedstat").read_text().split()[0]) / 1e9, ""

    def _ask(self, sql: str) -> str:
        process = self._process
        assert process and process.stdin and process.stdout
        process.stdin.write((sql + END).encode())
        process.stdin.flush()
        text, end = b"", time.monotonic() + ANSWER_S
        while not text.endswith(b"end\n"):
            if not select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                os.killpg(process.pid, signal.SIGKILL)  # what enters a container waits for psql as its parent, and its end would leave psql there
                process.wait()
                raise TimeoutError("PostgreSQL does not answer")
            part = os.read(process.stdout.fileno(), 65536)
            if not part:
                raise ConnectionError("psql ended")
            text += part
        return text.decode().removesuffix("end\n")

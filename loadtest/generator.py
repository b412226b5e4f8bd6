"""The load generator: Locust's master and workers as processes of their own, in network namespaces of the lab, and what they saw.

Owns the processes and the merging of their results. What a worker does is in locustfiles/shard.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from loadtest.arrivals import arrivals
from loadtest.latency import Latencies, merged
from loadtest.load_spec import KindResult, LoadSpec, WorkerResult
from vm import processes
from vm.artefact import Record, load, save
from vm.command import ENDING
from vm.errors import WatchpostError
from vm.wait import wait_until

LOCUSTFILE = Path(__file__).parent / "locustfiles" / "shard.py"
CHECKOUT = Path(__file__).parents[1]
LEAST_SENT = 0.999
"""Share of the planned arrivals below which a run says nothing (requirement of an open loop)."""
SATURATED_CPU = 0.9
"""CPU seconds a second at which a worker (one thread) counts as saturated."""
LATE_S = 0.1
"""Arrivals that the generator itself began later than this, at p99, make a run unsound."""
START_S = 90.0
PRIORITY = -10
"""Nice value of the generator: one that waits for a CPU would measure itself."""


class Rendezvous(Record):
    """Where the master listens and in which namespaces (paths of files, empty for the harness's own) the processes run.

    Workers take the namespaces in turn; each must reach the address.
    """

    address: str = "127.0.0.1"
    port: int = 5557
    master: str = ""
    workers: tuple[str, ...] = ("",)


class Generated(Record):
    """What all workers saw together; kinds by what the streams call it. locust: Locust's own rows, for comparison."""

    version: Literal[1] = 1
    began_at: float
    seconds: float
    cpu_ratio: float
    """CPU seconds a second of the busiest worker."""
    kinds: dict[str, KindResult]
    locust: list[dict[str, Any]]
    unsound: tuple[str, ...]

    def latency(self, *kinds: str) -> Latencies:
        """Latencies of some kinds together, of all without a word."""
        return merged(self.kinds[kind].latency for kind in kinds or self.kinds if kind in self.kinds)

    @property
    def planned(self) -> int:
        """Arrivals that were planned."""
        return sum(kind.planned for kind in self.kinds.values())

    @property
    def sent(self) -> int:
        """Arrivals that began."""
        return sum(kind.sent for kind in self.kinds.values())


def combine(results: Sequence[WorkerResult], locust: list[dict[str, Any]], expected: dict[str, int]) -> Generated:
    """One result from those of the workers. expected: arrivals by kind, so that a shard nobody walked is missed. Pure."""
    kinds = {}
    for what, planned in expected.items():
        parts = [result.kinds[what] for result in results if what in result.kinds]
        errors: dict[str, int] = {}
        for part in parts:
            for text, count in part.errors.items():
                errors[text] = errors.get(text, 0) + count
        kinds[what] = KindResult(
            planned=planned, sent=sum(one.sent for one in parts), answered=sum(one.answered for one in parts),
            failed=sum(one.failed for one in parts), latency=merged(one.latency for one in parts).encoded(),
            send_lag=merged(one.send_lag for one in parts).encoded(), errors=errors,
        )  # fmt: skip
    cpu = max((result.cpu_s / result.seconds for result in results), default=0.0)
    sent, planned = sum(one.sent for one in kinds.values()), sum(expected.values())
    lag = merged(one.send_lag for one in kinds.values()).quantile(0.99)
    unsound = []
    if sent < LEAST_SENT * planned:
        unsound.append(f"{sent} of {planned} planned arrivals were sent")
    if cpu > SATURATED_CPU:
        unsound.append(f"a worker of the generator was saturated ({cpu:.2f} CPU seconds a second)")
    if lag > LATE_S:
        unsound.append(f"the generator began with arrivals {lag:.2f} s late (p99)")
    return Generated(
        began_at=min((one.began_at for one in results), default=0.0), seconds=max((one.seconds for one in results), default=0.0),
        cpu_ratio=round(cpu, 4), kinds=kinds, locust=locust, unsound=tuple(unsound),
    )  # fmt: skip


def in_namespace(namespace: str, argv: Sequence[str]) -> list[str]:
    """The words that run argv in a network namespace."""
    return [*(["nsenter", f"--net={namespace}", "--"] if namespace else []), *argv]


class Generator:
    """One load from start to result. `start` returns when all workers are being started, `result` waits for the end."""

    def __init__(self, spec: LoadSpec, rendezvous: Rendezvous, cpus: Sequence[int] = ()) -> None:
        self.spec = spec
        self._rendezvous = rendezvous
        self._cpus = cpus
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start master and workers."""
        spec, meet = self.spec, self._rendezvous
        spec.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = spec.directory / "load.json"
        save(spec, path)
        for number in range(spec.workers):
            spec.results_of(number).unlink(missing_ok=True)
        spec.begin.unlink(missing_ok=True)
        base = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--skip-log-setup"]
        master = ["--master", "--master-bind-host", meet.address, "--master-bind-port", str(meet.port), "--expect-workers",
                  str(spec.workers), "--expect-workers-max-wait", "60", "--users", str(spec.workers), "--spawn-rate", str(spec.workers),
                  "--json-file", str(spec.directory / "locust"), "--exit-code-on-error", "0", "--stop-timeout", "1"]  # fmt: skip
        worker = ["--worker", "--master-host", meet.address, "--master-port", str(meet.port)]
        self._spawn("master", in_namespace(meet.master, [*base, *master]), path)
        for number in range(spec.workers):
            namespace = meet.workers[number % len(meet.workers)]
            self._spawn(f"worker-{number}", in_namespace(namespace, [*base, *worker]), path)

    def _spawn(self, name: str, argv: list[str], spec: Path) -> None:
        surroundings = {**os.environ, "WATCHPOST_LOAD": str(spec), "PYTHONPATH": str(CHECKOUT)}
        handle = os.open(self.spec.directory / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=surroundings, cwd=CHECKOUT, start_new_session=True
            )
        os.setpriority(os.PRIO_PROCESS, process.pid, PRIORITY)
        if self._cpus:
            os.sched_setaffinity(process.pid, self._cpus)
        self._processes.append(process)

    def begins(self) -> float:
        """When time 0 of the plan is, in seconds of time.monotonic(); waits until all workers are ready."""
        wait_until(lambda: self.spec.begin.exists() or self._broken(), reason="the load's workers", deadline_s=START_S, interval_s=0.05)
        if why := self._broken():
            raise WatchpostError(why, str(self.spec.directory), "look at the logs there")
        return float(self.spec.begin.read_text())

    def _broken(self) -> str:
        """Why this load cannot come to its end; empty while it can."""
        codes = [process.poll() for process in self._processes]
        return "a process of the load generator failed" if any(code not in (None, 0) for code in codes) else ""

    def result(self) -> Generated:
        """Wait for the end of the load. Raises WatchpostError when a process of it ends early or the time is up."""
        spec = self.spec
        ends = max((stream.ends_s for stream in spec.streams), default=0)
        deadline = time.monotonic() + START_S + ends + spec.patience_s + 30
        try:
            while self._processes[0].poll() is None:
                if time.monotonic() > deadline:
                    raise WatchpostError("the load generator does not end", str(spec.directory), "look at the logs there")
                if ENDING.is_set():
                    raise WatchpostError("interrupted", str(spec.directory))
                if why := self._broken():
                    raise WatchpostError(why, str(spec.directory), "look at the logs there")
                time.sleep(0.2)
        finally:
            self.stop()
        results = [load(WorkerResult, spec.results_of(number)) for number in range(spec.workers)]
        return combine(results, self._locust(), expected(spec))

    def _locust(self) -> list[dict[str, Any]]:
        try:
            found = json.loads((self.spec.directory / "locust.json").read_text())
        except (OSError, ValueError) as error:
            raise WatchpostError("Locust left no statistics", str(self.spec.directory), "look at master.log there") from error
        return list(found)

    def stop(self) -> None:
        """End what still runs of it; safe at any time."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            processes.reap(process, 5)


def expected(spec: LoadSpec) -> dict[str, int]:
    """How many arrivals of each kind a load plans."""
    found: dict[str, int] = {}
    for stream in spec.streams:
        found[stream.what] = found.get(stream.what, 0) + sum(1 for _ in arrivals(stream, spec.seed))
    return found

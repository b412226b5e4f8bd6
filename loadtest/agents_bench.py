"""What the generator's Icinga agents cost: the real worker and the real actors on loopback, against a protocol sink.

A generator that is busy measures itself. So one core has to carry 1,000 agents with 20 services every 60 s, and 50 agents may take a
twentieth of one. What the sink received is compared with what was sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtest import fleet_load
from loadtest.freeze import free_port
from loadtest.generator import CHECKOUT, LEAST_SENT, Generated, Generator, Rendezvous
from loadtest.load_spec import LoadSpec
from provision.pusher_spec import PusherSpec
from vm.artefact import Record, load
from vm.errors import WatchpostError

SERVICES, INTERVAL_S, SECONDS = 20, 60.0, 30.0
MOST_CORES = {50: 0.05, 1000: 1.0}
"""CPU seconds a second of the worker by number of agents."""
IN_TIME_S = 0.1
"""Lateness at p99 above which a worker counts as overloaded."""


class AgentsLine(Record):
    """One fleet. cores: CPU seconds a second of the generator's worker, Locust's own included; sink_cores: of the sink, connecting included.

    received: results that the sink counted. lateness_*: from the planned time until the result's bytes are with the kernel, in seconds.
    missed: targets that were not reached; empty when all were.
    """

    agents: int
    services: int
    interval_s: float
    seconds: float
    planned: int
    sent: int
    received: int
    failed: int
    cores: float
    most_cores: float
    sink_cores: float
    lateness_p50_s: float
    lateness_p99_s: float
    lateness_max_s: float
    missed: tuple[str, ...]


class AgentsBench(Record):
    """All fleets."""

    version: int = 1
    lines: tuple[AgentsLine, ...]

    @property
    def met(self) -> bool:
        """Whether every target was reached."""
        return not any(line.missed for line in self.lines)


class SinkProcess:
    """The sink and how to ask it."""

    def __init__(self, process: subprocess.Popen[str], pusher: PusherSpec) -> None:
        self._process = process
        self.pusher = pusher

    def counters(self) -> dict[str, float]:
        """What it counted up to now. Raises WatchpostError when it has ended."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            return dict(json.loads(self._process.stdout.readline()))
        except (OSError, ValueError) as error:
            raise WatchpostError("the protocol sink has ended") from error


@contextmanager
def sink(folder: Path, agents: int) -> Iterator[SinkProcess]:
    """A sink with certificates for so many agents, ended afterwards."""
    argv = [sys.executable, "-m", "loadtest.sink_process", str(folder), str(agents), str(SERVICES), str(INTERVAL_S)]
    process = subprocess.Popen(argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        if not process.stdout.readline():
            raise WatchpostError("the protocol sink does not start")
        yield SinkProcess(process, load(PusherSpec, folder / "pusher.json"))
    finally:
        process.kill()
        process.communicate()


def measure(agents: int, seconds: float = SECONDS) -> AgentsLine:
    """Run one fleet in a directory that is gone afterwards. Raises WatchpostError when sink or generator do not work."""
    with tempfile.TemporaryDirectory(prefix="watchpost-agents-") as name, sink(Path(name), agents) as target:
        actors, streams = fleet_load.agents(target.pusher, seconds)
        spec = LoadSpec(seed=1, actors=tuple(actors), streams=tuple(streams), workers=1, directory=Path(name) / "load", patience_s=5)
        generator = Generator(spec, Rendezvous(port=free_port()))
        try:
            generator.start()
            generator.begins()
            before = target.counters()
            found = generator.result()
        finally:
            generator.stop()
        return judged(agents, found, before, target.counters())


def judged(agents: int, found: Generated, before: dict[str, float], after: dict[str, float]) -> AgentsLine:
    """Compare with the targets. Pure."""
    latency, received = found.latency(), int(after["results"])
    most, late_s = MOST_CORES.get(agents, 1.0), latency.quantile(0.99)
    failed = sum(kind.failed for kind in found.kinds.values())
    missed = list(found.unsound)
    if int(after["peers"]) != agents:
        missed.append(f"{int(after['peers'])} of {agents} agents were connected")
    if failed:
        missed.append(f"{failed} results could not be sent")
    if received < LEAST_SENT * found.sent or received > found.sent:
        missed.append(f"the sink received {received} of {found.sent} results")
    if found.cpu_ratio > most:
        missed.append(f"{found.cpu_ratio:.3f} of a core, {most:g} at most")
    if late_s > IN_TIME_S:
        missed.append(f"results were {late_s:.2f} s late (p99)")
    return AgentsLine(
        agents=agents, services=SERVICES, interval_s=INTERVAL_S, seconds=round(found.seconds, 2), planned=found.planned, sent=found.sent,
        received=received, failed=failed, cores=found.cpu_ratio, most_cores=most,
        sink_cores=round((after["cpu_s"] - before["cpu_s"]) / found.seconds, 4), lateness_p50_s=latency.quantile(0.5), lateness_p99_s=late_s,
        lateness_max_s=latency.worst, missed=tuple(missed),
    )  # fmt: skip


def bench() -> AgentsBench:
    """Every fleet there is a target for."""
    return AgentsBench(lines=tuple(measure(agents) for agents in MOST_CORES))


def show(found: AgentsBench, out: Console) -> None:
    """A line for each fleet, and what was missed."""
    columns = ("agents", "planned", "sent", "received", "of a core", "at most", "sink", "late p50, ms", "p99", "max")
    shown = Table(*columns, box=None, pad_edge=False)
    for line in found.lines:
        late = (f"{one * 1000:.1f}" for one in (line.lateness_p50_s, line.lateness_p99_s, line.lateness_max_s))
        counts = (str(one) for one in (line.agents, line.planned, line.sent, line.received))
        shown.add_row(*counts, f"{line.cores:.3f}", f"{line.most_cores:g}", f"{line.sink_cores:.3f}", *late)
    reasons = [f"MISSED with {line.agents} agents: {reason}" for line in found.lines for reason in line.missed]
    shown.caption = "\n".join([f"{SERVICES} services every {INTERVAL_S:g} s, for {SECONDS:g} s each", *(reasons or ["every target is met"])])
    out.print(shown)

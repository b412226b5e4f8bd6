"""A target that is frozen for a while: does the generator tell the truth about it?

At 100 arrivals a second for 10 s and 3 s of frost, 30 % of the arrivals wait between 0 and 3 s, evenly spread: p80 = 1.0, p90 = 2.0,
p95 = 2.5 and p99 = 2.9 s. A closed loop would report milliseconds (it does not send while it waits).
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtest.arrivals import Stream
from loadtest.generator import Generated, Generator, Rendezvous
from loadtest.load_spec import ActorSpec, LoadSpec
from vm.artefact import Record
from vm.errors import BadInput

SERVER = """
import asyncio, sys
class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(data)
async def serve():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(serve())
"""
SECONDS, RATE, FROZEN_S, AT_S = 10.0, 100, 3.0, 4.0
TRUTH_S = {0.8: 1.0, 0.9: 2.0, 0.95: 2.5, 0.99: 2.9}
TOLERANCE = 0.02
ACTORS = 10


class FreezeBench(Record):
    """What was reported of the frozen target. Percentiles in seconds from the intended time; locust_*: Locust's own."""

    version: int = 1
    p80: float
    p90: float
    p95: float
    p99: float
    sent: int
    planned: int
    workers: int
    locust_p99: float
    truthful: bool
    unsound: tuple[str, ...]


def spec(directory: Path, port: int, workers: int) -> LoadSpec:
    """The load: ten actors in turn, one arrival every 10 ms."""
    names = [f"actor-{number}" for number in range(ACTORS)]
    # connections for all that wait in the frost: opening them afterwards would be a latency that the frost did not cause
    settings = {"host": "127.0.0.1", "port": port, "connections": round(FROZEN_S * RATE / ACTORS) + 2}
    actors = tuple(ActorSpec(name=name, kind="echo", settings=settings) for name in names)
    streams = tuple(
        Stream(actor=name, what="echo", interval_s=ACTORS / RATE, begins_s=number / RATE, ends_s=SECONDS, pattern="exact")
        for number, name in enumerate(names)
    )
    return LoadSpec(seed=1, actors=actors, streams=streams, workers=workers, directory=directory)


def measure(directory: Path, workers: int = 2) -> FreezeBench:
    """Run it on loopback. Raises WatchpostError when the target or the generator does not work."""
    target = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert target.stdout
        port = int(target.stdout.readline())
        generator = Generator(spec(directory, port, workers), Rendezvous(port=free_port()))
        try:
            generator.start()
            freeze(target, generator.begins())
            found = generator.result()
        finally:
            generator.stop()
    finally:
        target.send_signal(signal.SIGCONT)
        target.kill()
        target.wait()
    return judged(found, workers)


def bench(workers: int) -> FreezeBench:
    """Measure in a directory that is gone afterwards. Raises BadInput for a number of workers that cannot share ten actors."""
    if not 1 <= workers <= ACTORS:
        raise BadInput(f"{workers} workers cannot share {ACTORS} actors", "--workers", f"give a number from 1 to {ACTORS}")
    with tempfile.TemporaryDirectory(prefix="watchpost-freeze-") as directory:
        return measure(Path(directory), workers)


def show(found: FreezeBench, out: Console) -> None:
    """The percentiles beside the truth, and the verdict."""
    shown = Table("percentile", "truth, s", "reported, s", box=None, pad_edge=False)
    for ratio, truth, seen in zip(TRUTH_S, TRUTH_S.values(), (found.p80, found.p90, found.p95, found.p99), strict=True):
        shown.add_row(f"p{ratio * 100:g}", f"{truth:.2f}", f"{seen:.3f}")
    verdict = "truthful" if found.truthful else "INVALID: " + "; ".join(found.unsound) if found.unsound else "NOT truthful"
    shown.caption = f"{found.sent} of {found.planned} arrivals sent by {found.workers} workers; {verdict}"
    out.print(shown)


def freeze(target: subprocess.Popen[str], begin: float) -> None:
    """Stop the target's process at its time and let it go on after the frost."""
    time.sleep(max(0.0, begin + AT_S - time.monotonic()))
    target.send_signal(signal.SIGSTOP)
    time.sleep(max(0.0, begin + AT_S + FROZEN_S - time.monotonic()))
    target.send_signal(signal.SIGCONT)


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def judged(found: Generated, workers: int) -> FreezeBench:
    """Compare with the truth, each percentile within 2 %. Pure."""
    latency = found.latency()
    seen = {ratio: latency.quantile(ratio) for ratio in TRUTH_S}
    truthful = not found.unsound and all(abs(seen[ratio] - truth) <= TOLERANCE * truth for ratio, truth in TRUTH_S.items())
    return FreezeBench(
        p80=seen[0.8], p90=seen[0.9], p95=seen[0.95], p99=seen[0.99], sent=found.sent, planned=found.planned, workers=workers,
        locust_p99=locust_quantile(found, 0.99), truthful=truthful, unsound=found.unsound,
    )  # fmt: skip


def locust_quantile(found: Generated, ratio: float) -> float:
    """A quantile of Locust's own statistics in seconds, from its counts by (rounded) milliseconds."""
    counts: dict[int, int] = {}
    for row in found.locust:
        for milliseconds, count in row["response_times"].items():
            counts[int(float(milliseconds))] = counts.get(int(float(milliseconds)), 0) + int(count)
    rank, seen = ratio * sum(counts.values()), 0
    for milliseconds in sorted(counts):
        seen += counts[milliseconds]
        if seen >= rank:
            return milliseconds / 1000
    return 0.0

"""The protocol sink as a process of its own, so that it takes nothing of the generator's core: `python -m loadtest.sink_process FOLDER HOSTS CHECKS INTERVAL`.

Leaves its agents' spec in the folder and prints where it is ready, one JSON line; for each line that it is sent it prints its counters.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from provision.icinga_sink import Sink, make_spec
from provision.throwaway_ca import Authority
from vm.artefact import save


async def serve(folder: Path, hosts: int, checks: int, interval_s: float) -> None:
    """Take results until standard input ends."""
    sink = Sink(Authority(folder), keep=False)
    await sink.start()
    save(make_spec(sink.authority, sink.port, hosts, checks, interval_s), folder / "pusher.json")
    print(json.dumps({"port": sink.port}), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        counters = {"results": sink.count, "peers": len(sink.peers), "connections": sink.connections, "cpu_s": time.process_time()}
        print(json.dumps(counters), flush=True)
    await sink.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))

"""The locustfile of every load: each worker has one user, which walks the worker's shard of the plan.

Locust brings the workers together, begins the run on all of them, and keeps its own statistics beside ours. WATCHPOST_LOAD names the
file with the load's spec.
"""

from __future__ import annotations

import csv
import gc
import gzip
import io
import os
import time
from pathlib import Path
from typing import Any

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.actors import make
from loadtest.arrivals import plan, shard
from loadtest.load_spec import LoadSpec, WorkerResult
from loadtest.walk import Ended, Walk
from vm.artefact import load, save, write_file
from vm.errors import WatchpostError

SPEC = load(LoadSpec, Path(os.environ["WATCHPOST_LOAD"]))
LEAD_S = 1.0
"""From the master's word to time 0: every worker has heard it by then."""
BEGIN: gevent.event.AsyncResult = gevent.event.AsyncResult()


@events.init.add_listener  # type: ignore[untyped-decorator]
def on_init(environment: Environment, **_: Any) -> None:
    """Workers learn from the master when time 0 is (CLOCK_MONOTONIC, the same for all processes of a host)."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message("begin", lambda environment, msg, **_: BEGIN.set(float(msg.data["at"])))
        return
    assert isinstance(runner, MasterRunner)
    master: MasterRunner = runner
    ready: set[str] = set()
    ended: set[str] = set()

    def on_ready(environment: Environment, msg: Any, **_: Any) -> None:
        ready.add(msg.node_id)
        if len(ready) == SPEC.workers:
            begin = time.monotonic() + LEAD_S
            write_file(SPEC.begin, repr(begin))
            master.send_message("begin", {"at": begin})

    def on_ended(environment: Environment, msg: Any, **_: Any) -> None:
        ended.add(msg.node_id)
        if len(ended) == SPEC.workers:
            gevent.spawn_later(1.5, master.quit)  # Locust's statistics of the last second are still to come

    master.register_message("ready", on_ready)
    master.register_message("ended", on_ended)


class Shard(User):
    """Walks the plan of one worker, once."""

    @task
    def walk(self) -> None:
        """Start the actors, wait for time 0, walk, wait for what is open, write the result."""
        runner = self.environment.runner
        assert isinstance(runner, WorkerRunner)
        number = runner.worker_index
        mine = shard(SPEC.streams, number, SPEC.workers)
        names = {stream.actor for stream in mine}
        actors = {one.name: make(one.kind, one.name, one.settings) for one in SPEC.actors if one.name in names}
        starting = gevent.pool.Pool(20)
        for greenlet in [starting.spawn(self.started, actor) for actor in actors.values()]:
            greenlet.get()
        arriving = plan(mine, SPEC.seed)
        walk = Walk(actors, time.monotonic, self.report)
        gc.collect()
        gc.freeze()  # the plan is large and lives to the end: looking through it again and again would stall arrivals
        runner.send_message("ready", {"worker": number})
        begin = BEGIN.get()
        began_at, cpu = time.time() + begin - time.monotonic(), time.process_time()
        group = gevent.pool.Group()
        counting = gevent.spawn(self.count, walk)
        walk.go(arriving, begin, began_at, gevent.sleep, group.spawn)
        group.join(timeout=SPEC.patience_s)
        counting.kill()
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        kinds = {what: tally.result() for what, tally in walk.settle().items()}
        save(WorkerResult(worker=number, began_at=began_at, seconds=seconds, cpu_s=cpu, kinds=kinds), SPEC.results_of(number))
        write_file(SPEC.raw_of(number), packed(walk))
        group.kill(timeout=1)
        for actor in actors.values():
            actor.stop()
        runner.send_message("ended", {"worker": number})
        gevent.sleep(3600)  # the master ends the run

    @staticmethod
    def started(actor: Any) -> None:
        """One that cannot start is seen at its arrivals, which fail."""
        try:
            actor.start()
        except (OSError, WatchpostError) as error:
            print(f"{actor}: {error}", flush=True)

    @staticmethod
    def count(walk: Walk) -> None:
        """Count what ended, once a second."""
        while True:
            gevent.sleep(1)
            walk.settle()

    def report(self, one: Ended) -> None:
        """Tell Locust too: its figures stand beside ours."""
        self.environment.events.request.fire(
            request_type="arrival", name=one.arrival.what, response_time=(one.ended_s - one.arrival.at_s) * 1000, response_length=0,
            exception=one.error, context={},
        )  # fmt: skip


def packed(walk: Walk) -> bytes:
    """Every arrival as gzipped CSV."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("intended_s", "begun_s", "ended_s", "actor", "what", "detail", "error"))
    for one in walk.ended:
        times = (one.arrival.at_s, one.begun_s, one.ended_s)
        table.writerow((*(f"{time:.6f}" for time in times), one.arrival.actor, one.arrival.what, one.arrival.detail, one.error or ""))
    return gzip.compress(text.getvalue().encode(), mtime=0)

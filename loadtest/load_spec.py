"""What the load generator is told, and what it tells: the records between it and the command that starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from loadtest.arrivals import Stream
from vm.artefact import Record


class ActorSpec(Record):
    """Who arrives: kind is the name of a file in loadtest/actors, settings are what its class takes."""

    name: str
    kind: str
    settings: dict[str, Any]


class LoadSpec(Record):
    """A whole load: actors, their streams, and where each worker leaves what it saw.

    patience_s: how long after the last arrival answers are waited for; what is open then counts as failed.
    """

    version: Literal[1] = 1
    seed: int
    actors: tuple[ActorSpec, ...]
    streams: tuple[Stream, ...]
    workers: int = Field(ge=1)
    directory: Path
    patience_s: float = Field(default=10, ge=0)

    @property
    def begin(self) -> Path:
        """Where the master writes when time 0 is, in seconds of CLOCK_MONOTONIC."""
        return self.directory / "begin"

    def results_of(self, worker: int) -> Path:
        """Where a worker writes its result."""
        return self.directory / f"worker-{worker}.json"

    def raw_of(self, worker: int) -> Path:
        """Where a worker writes each arrival."""
        return self.directory / f"arrivals-{worker}.csv.gz"


class KindResult(Record):
    """One kind of arrival (what the streams call it). latency, send_lag: encoded histograms, from the intended time.

    send_lag ends when the generator began with the arrival: what it is late is the generator's own fault.
    """

    planned: int
    sent: int
    answered: int
    failed: int
    latency: str
    send_lag: str
    errors: dict[str, int]


class WorkerResult(Record):
    """What one worker did. began_at: seconds since the epoch at time 0 of the plan."""

    version: Literal[1] = 1
    worker: int
    began_at: float
    seconds: float
    cpu_s: float
    kinds: dict[str, KindResult]

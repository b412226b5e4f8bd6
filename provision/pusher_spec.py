"""What the pusher is told and what it tells: the records between it and the command that starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from vm.artefact import Record

Kind = Literal["ok", "soft", "hard", "failing", "flapping", "late", "mute", "huge"]


class StateModel(Record):
    """How a check behaves over its results; everything else follows from the spec's seed.

    kind: ok; soft (single failures that recover at the next result); hard (fails for runs of results); failing (fails always);
    flapping (changes all the time); late (sent after its planned time); mute (never sent); huge (output of
    output_kib).
    every: about one problem in so many results (soft) or the length of a run (hard).
    """

    kind: Kind = "ok"
    every: int = Field(default=20, ge=2)
    late_s: float = Field(default=30, ge=0)
    output_kib: int = Field(default=64, ge=1, le=16384)


class PushedCheck(Record):
    """A check of a simulated host, as its agent would run it."""

    title: str = Field(min_length=1)
    interval_s: float = Field(gt=0)
    model: StateModel = StateModel()


class PushedHost(Record):
    """A simulated host: its identity and where it connects from."""

    certname: str = Field(min_length=1)
    address: str
    key: Path
    certificate: Path
    checks: tuple[PushedCheck, ...]


class PusherSpec(Record):
    """Everything the pusher needs.

    prompt_s: after connecting, each check's first result is sent within this time (0: only at planned times).
    """

    version: Literal[1] = 1
    master_address: str
    master_port: int = 5665
    endpoint: str = "icinga.lab.test"
    ca: Path
    seed: int
    status: Path
    prompt_s: float = Field(default=8, ge=0)
    hosts: tuple[PushedHost, ...]


class PusherStatus(Record):
    """What the pusher is doing, written every few seconds.

    missed: results that were due while the master did not read. Lateness counts from the planned time,
    over the last results.
    """

    version: Literal[1] = 1
    pid: int
    written_at: float
    hosts: int
    connected: int
    sent: int
    missed: int
    reconnects: int
    lateness_p50_s: float
    lateness_p99_s: float
    cpu_s: float
    last_error: str = ""

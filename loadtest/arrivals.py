"""The plan of a load: every arrival with its intended time, made in advance from a seed. Pure.

Open loop: an arrival happens at its time whatever became of those before it, and its latency counts from that time.
"""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from vm.artefact import Record


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """One thing that one actor does. at_s: seconds from the beginning of the run; n: its number among the stream's.

    what is counted together, detail says the rest (which check, which page).
    """

    at_s: float
    actor: str
    what: str
    n: int
    detail: str = ""


class Stream(Record):
    """A stream of arrivals of one actor, begins_s to ends_s.

    even: every interval_s, at a phase that the seed gives, as schedulers do. poisson: at random, interval_s apart on average, as people
    do. exact: every interval_s from begins_s on.
    """

    actor: str
    what: str
    detail: str = ""
    interval_s: float = Field(gt=0)
    begins_s: float = 0
    ends_s: float
    pattern: Literal["even", "poisson", "exact"] = "even"


def draw(seed: int, *words: object) -> random.Random:
    """A generator of its own for each name, so that one stream never shifts another."""
    return random.Random("!".join(str(word) for word in ("arrivals", seed, *words)))


def arrivals(stream: Stream, seed: int) -> Iterator[Arrival]:
    """The arrivals of one stream, in order of time."""
    source = draw(seed, stream.actor, stream.what, stream.detail)
    if stream.pattern == "poisson":
        at, n = stream.begins_s + source.expovariate(1 / stream.interval_s), 0
        while at < stream.ends_s:
            yield Arrival(at, stream.actor, stream.what, n, stream.detail)
            at, n = at + source.expovariate(1 / stream.interval_s), n + 1
        return
    phase = source.random() * stream.interval_s if stream.pattern == "even" else 0.0
    for n in range(max(0, math.ceil((stream.ends_s - stream.begins_s - phase) / stream.interval_s))):
        yield Arrival(stream.begins_s + phase + n * stream.interval_s, stream.actor, stream.what, n, stream.detail)


def shard_of(actor: str, workers: int) -> int:
    """Which worker an actor belongs to: all its arrivals are there, as its connection is."""
    return zlib.crc32(actor.encode()) % workers


def shard(streams: Iterable[Stream], worker: int, workers: int) -> tuple[Stream, ...]:
    """The streams of one worker (numbers from 0)."""
    return tuple(one for one in streams if shard_of(one.actor, workers) == worker)


def plan(streams: Sequence[Stream], seed: int) -> list[Arrival]:
    """All arrivals of these streams in order of time."""
    return sorted(arrival for stream in streams for arrival in arrivals(stream, seed))

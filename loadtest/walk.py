"""How a worker walks its shard of the plan: each arrival at its time, latencies from there, nothing waited for in between.

Knows no Locust and no sockets: clock, sleeping and spawning are given, so that it is tested without either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.actors import Actor
from loadtest.arrivals import Arrival
from loadtest.latency import Latencies
from loadtest.load_spec import KindResult
from vm.errors import WatchpostError

MOST_ERRORS = 20
"""Different error texts that are kept of a kind; the others are counted together."""


@dataclass
class Tally:
    """What became of one kind of arrival."""

    planned: int = 0
    sent: int = 0
    answered: int = 0
    failed: int = 0
    latency: Latencies = field(default_factory=Latencies)
    send_lag: Latencies = field(default_factory=Latencies)
    errors: dict[str, int] = field(default_factory=dict)

    def fail(self, text: str) -> None:
        """Count a failure with its reason."""
        self.failed += 1
        known = text if text in self.errors or len(self.errors) < MOST_ERRORS else "other"
        self.errors[known] = self.errors.get(known, 0) + 1

    def result(self) -> KindResult:
        """The record; what was sent and neither answered nor failed was still open, which counts as failed."""
        still_open = self.sent - self.answered - self.failed
        errors = self.errors | ({"no answer until the end": still_open} if still_open else {})
        return KindResult(
            planned=self.planned, sent=self.sent, answered=self.answered, failed=self.failed + still_open,
            latency=self.latency.encoded(), send_lag=self.send_lag.encoded(), errors=errors,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """One arrival and what became of it; times in seconds from time 0."""

    arrival: Arrival
    begun_s: float
    ended_s: float
    error: Exception | None


class Walk:
    """One worker's walk. report(ended) is called for each arrival that ended, when `settle` comes to it.

    What is noted of an arrival is a line in a list: after a stall many end at once, and counting them there and then would be a
    latency of our own making.
    """

    def __init__(self, actors: Mapping[str, Actor], now: Callable[[], float], report: Callable[[Ended], None] = lambda ended: None) -> None:
        self.tallies: dict[str, Tally] = {}
        self.ended: list[Ended] = []
        self._settled = 0
        self._actors = actors
        self._now = now
        self._report = report

    def go(
        self, plan: Sequence[Arrival], begin: float, epoch: float, sleep: Callable[[float], Any], spawn: Callable[..., Any]
    ) -> None:
        """Start every arrival of the plan at its time. Time 0 is `begin` on the clock of `now`, and `epoch` on the wall clock."""
        for arrival in plan:
            self._tally(arrival.what).planned += 1
        for arrival in plan:
            wait = begin + arrival.at_s - self._now()
            if wait > 0:
                sleep(wait)
            spawn(self._arrive, arrival, begin, epoch)

    def settle(self) -> dict[str, Tally]:
        """Count what ended since the last time; all tallies so far."""
        while self._settled < len(self.ended):
            one = self.ended[self._settled]
            self._settled += 1
            tally = self._tally(one.arrival.what)
            tally.send_lag.record(one.begun_s - one.arrival.at_s)
            if one.error is None:
                tally.answered += 1
                tally.latency.record(one.ended_s - one.arrival.at_s)
            else:
                tally.fail(str(one.error)[:200] or type(one.error).__name__)
            self._report(one)
        return self.tallies

    def _tally(self, what: str) -> Tally:
        return self.tallies.setdefault(what, Tally())

    def _arrive(self, arrival: Arrival, begin: float, epoch: float) -> None:
        begun = self._now() - begin
        self._tally(arrival.what).sent += 1
        error: Exception | None = None
        try:
            self._actors[arrival.actor].arrive(arrival, epoch + arrival.at_s)
        except (OSError, WatchpostError) as caught:
            error = caught
        self.ended.append(Ended(arrival, begun, self._now() - begin, error))

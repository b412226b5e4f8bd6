"""When Icinga had each result, seen from outside: its event stream of check results, and what was due beside it.

Icinga's own latency figures are clamped and late checks are planned anew from now (a saturated Icinga looks healthy), so what counts is
which planned results arrived, and when. The stream costs the master one JSON document a result; that cost is part of the run.

The time of a result is the one that Icinga stamps on the event when it has processed the result. The time at which the line arrives
here is no measure: Icinga 2.14.6 was seen to hold events back for up to 5 s (its wait for new events times out instead of being woken).
"""

from __future__ import annotations

import bisect
import contextlib
import csv
import gzip
import http.client
import io
import json
import math
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from loadtest.latency import Latencies
from provision import icinga_api
from vm.errors import WatchpostError

SILENCE_S = 300.0
"""A stream that says nothing for so long counts as broken."""
RETRY_S = 0.2
SAME_S = 0.001
"""A result is the planned one when its scheduled time is this near to it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One result as the stream told it; times in seconds since the epoch. service is empty for a host's own check.

    at: when Icinga had processed it; scheduled, ended: as the agent said.
    """

    at: float
    host: str
    service: str
    scheduled: float
    ended: float
    state: int


@dataclass(frozen=True, slots=True)
class Due:
    """One result that was planned."""

    host: str
    service: str
    at: float


@dataclass(frozen=True)
class Goodput:
    """What became of the planned results: how many were due, how many Icinga had in the end, and how late it had them."""

    due: int
    done: int
    lateness: Latencies

    @property
    def ratio(self) -> float:
        """Done of due; 1 when nothing was due."""
        return self.done / self.due if self.due else 1.0


def arrivals(due: Iterable[Due], seen: Iterable[Seen]) -> list[tuple[Due, float | None]]:
    """Each planned result and when Icinga had it, None where it never had. Pure."""
    arrived: dict[tuple[str, str, int], float] = {}
    for one in seen:
        key = (one.host, one.service, round(one.scheduled / SAME_S))
        arrived[key] = min(one.at, arrived.get(key, one.at))

    def when(planned: Due) -> float | None:
        slot = round(planned.at / SAME_S)
        found = [arrived[key] for step in (-1, 0, 1) if (key := (planned.host, planned.service, slot + step)) in arrived]
        return min(found) if found else None

    return [(planned, when(planned)) for planned in due]


def match(due: Iterable[Due], seen: Iterable[Seen]) -> Goodput:
    """What became of the planned results. Pure."""
    total, done, lateness = 0, 0, Latencies()
    for planned, at in arrivals(due, seen):
        total += 1
        if at is not None:
            done += 1
            lateness.record(at - planned.at)
    return Goodput(total, done, lateness)


def read(line: bytes) -> Seen | None:
    """One line of the stream; None for what is no check result."""
    try:
        event = json.loads(line)
        result = event["check_result"]
        return Seen(
            at=float(event["timestamp"]), host=str(event["host"]), service=str(event.get("service") or ""), scheduled=float(result["schedule_start"]),
            ended=float(result["execution_end"]), state=int(result["state"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None


def blind(due: Iterable[Due], seen: Iterable[Seen], *, together: bool = False) -> tuple[float, float]:
    """The longest time for which nothing of one host arrived though something was due, in seconds: at least, and at most; together: nothing of any host. Pure.

    At least from the first result that was due then, and at most from the last one that had arrived before, to the next one that arrived: a result that was kept
    and sent again after a reconnect ends the time and does not undo it. What was due after the last arrival counts up to the last of it.
    """
    hosts: dict[str, list[tuple[float, float | None]]] = {}
    for planned, at in arrivals(due, seen):
        hosts.setdefault("" if together else planned.host, []).append((planned.at, at))
    worst = (0.0, 0.0)
    for one in hosts.values():
        planned_at = sorted(planned for planned, _ in one)
        came = sorted(at for _, at in one if at is not None)
        for before, after in zip([-math.inf, *came], [*came, math.inf], strict=True):
            first, last = bisect.bisect_right(planned_at, before), bisect.bisect_left(planned_at, after)
            if first < last:  # something was due between two arrivals
                until = planned_at[-1] if after == math.inf else after
                worst = max(worst, (until - planned_at[first], until - max(before, planned_at[0])))
    return worst


def packed(seen: Iterable[Seen]) -> bytes:
    """Every result as gzipped CSV."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("processed_s", "host", "service", "scheduled_s", "state"))
    table.writerows((f"{one.at:.6f}", one.host, one.service, f"{one.scheduled:.6f}", one.state) for one in seen)
    return gzip.compress(text.getvalue().encode(), mtime=0)


class Listener:
    """Hears the stream from `start` to `stop`, and subscribes again when it breaks off (Icinga reloads).

    gaps: from when to when nothing was heard, in seconds since the epoch. What was accepted meanwhile is not known, so a gap that nobody
    caused makes a run unsound.
    """

    def __init__(self, access: icinga_api.ApiAccess, queue: str) -> None:
        self.seen: list[Seen] = []
        self.gaps: list[tuple[float, float]] = []
        self._access = access
        self._queue = queue
        self._running = True
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._hear, name="event stream", daemon=True)
        self._heard = threading.Event()
        self._why = "no answer"

    def start(self) -> None:
        """Subscribe. Raises WatchpostError when Icinga refuses."""
        self._thread.start()
        if not self._heard.wait(20):
            self._running = False
            raise WatchpostError(f"Icinga's event stream does not begin: {self._why}", self._access.address)

    def stop(self) -> None:
        """End the subscription."""
        self._running = False
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _hear(self) -> None:
        since = time.time()
        while self._running:
            try:
                stream = self._subscribe()
                if self._heard.is_set():
                    self.gaps.append((since, time.time()))
                self._heard.set()
                while line := stream.readline():
                    if found := read(line):
                        self.seen.append(found)
                raise OSError("the stream ended")
            except (OSError, http.client.HTTPException, WatchpostError, ValueError, AttributeError) as error:
                if self._why != (told := str(error)):
                    self._why = told
                if self._socket is not None:
                    since = time.time()
                    self._socket.close()
                    self._socket = None
                time.sleep(RETRY_S)

    def _subscribe(self) -> http.client.HTTPResponse:
        connection = icinga_api.connection(self._access)
        plain = self._socket = connection.sock
        body = json.dumps({"queue": self._queue, "types": ["CheckResult"]})
        connection.request("POST", "/v1/events", body, {"Accept": "application/json", "Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status} {answer.read(300).decode(errors='replace')}")
        plain.settimeout(SILENCE_S)
        return answer

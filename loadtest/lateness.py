"""When Icinga had each result, seen from outside: its event stream of check results, and what was due beside it.

Icinga's own latency figures are clamped and late checks are planned anew from now (a saturated Icinga looks healthy), so what counts is
which planned results arrived, and when. The stream costs the master one JSON document a result; that cost is part of the run.

The time of a result is the one that Icinga stamps on the event when it has processed the result. The time at which the line arrives
here is no measure: Icinga 2.14.6 was seen to hold events back for up to 5 s (its wait for new events times out instead of being woken).
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import http.client
import io
import json
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


def match(due: Iterable[Due], seen: Iterable[Seen]) -> Goodput:
    """Find each planned result among those that Icinga told of. Pure."""
    arrived: dict[tuple[str, str, int], float] = {}
    for one in seen:
        key = (one.host, one.service, round(one.scheduled / SAME_S))
        arrived[key] = min(one.at, arrived.get(key, one.at))
    total, done, lateness = 0, 0, Latencies()
    for planned in due:
        total += 1
        slot = round(planned.at / SAME_S)
        found = [arrived[key] for step in (-1, 0, 1) if (key := (planned.host, planned.service, slot + step)) in arrived]
        if found:
            done += 1
            lateness.record(min(found) - planned.at)
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
    """The longest time for which nothing of one host arrived, in seconds: at least, and at most; together: nothing of any host. Pure.

    At least from its first planned result that Icinga never had to the last one in a row; at most from the one that it had before them to
    the next that it had again. Both are 0 when it had all. The two are as far apart as a host's results are.
    """
    had = {(one.host, one.service, round(one.scheduled / SAME_S) + step) for one in seen for step in (-1, 0, 1)}
    hosts: dict[str, list[tuple[float, bool]]] = {}
    for one in due:
        hosts.setdefault("" if together else one.host, []).append((one.at, (one.host, one.service, round(one.at / SAME_S)) in had))
    worst = (0.0, 0.0)
    for planned in hosts.values():
        before, first, last = None, None, None
        for at, arrived in sorted(planned):
            if not arrived:
                first, last = at if first is None else first, at
                continue
            if first is not None and last is not None:
                worst = max(worst, (last - first, at - (first if before is None else before)))
            before, first, last = at, None, None
        if first is not None and last is not None:
            worst = max(worst, (last - first, last - (first if before is None else before)))
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

"""The plan of arrivals, the walk of a worker and what is made of the workers' results, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest import actors, freeze
from loadtest.arrivals import Arrival, Stream, arrivals, plan, shard
from loadtest.generator import combine, expected
from loadtest.latency import Latencies, merged
from loadtest.lateness import Due, Seen, blind, match, read
from loadtest.load_spec import WorkerResult
from loadtest.walk import Walk
from vm.errors import BadInput

STREAMS = st.builds(
    Stream,
    actor=st.sampled_from(["a", "b", "c", "d"]),
    what=st.sampled_from(["x", "y"]),
    interval_s=st.floats(0.5, 20),
    begins_s=st.floats(0, 10),
    ends_s=st.floats(10, 60),
    pattern=st.sampled_from(["even", "poisson", "exact"]),
)


@given(st.lists(STREAMS, max_size=6), st.integers(1, 4), st.integers(0, 5))
def test_workers_share_the_plan_without_loss_or_doubling(streams: list[Stream], workers: int, seed: int) -> None:
    whole = plan(streams, seed)
    parts = [plan(shard(streams, number, workers), seed) for number in range(workers)]
    assert sorted(one for part in parts for one in part) == whole
    for part in parts:
        assert not {one.actor for one in part} & {one.actor for other in parts if other is not part for one in other}


@given(STREAMS, st.integers(0, 5))
def test_a_stream_keeps_its_times(stream: Stream, seed: int) -> None:
    times = [one.at_s for one in arrivals(stream, seed)]
    assert times == sorted(times) and all(stream.begins_s <= at < stream.ends_s + 1e-9 for at in times)
    if stream.pattern != "poisson":
        assert abs(len(times) - (stream.ends_s - stream.begins_s) / stream.interval_s) <= 1
    assert times == [one.at_s for one in arrivals(stream, seed)]


@given(st.lists(st.floats(1e-6, 3000), min_size=1, max_size=200))
def test_histograms_keep_three_digits_and_merge(seconds: list[float]) -> None:
    one, other = Latencies(), Latencies()
    for number, value in enumerate(seconds):
        (one if number % 2 else other).record(value)
    both = merged([one.encoded(), other.encoded()])
    assert both.count == len(seconds)
    assert both.worst == pytest.approx(max(seconds), rel=2e-3, abs=1e-6)
    assert both.quantile(0.5) == pytest.approx(sorted(seconds)[(len(seconds) + 1) // 2 - 1], rel=2e-3, abs=1.1e-6)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Slow:
    """A target that takes so long, on this clock."""

    def __init__(self, clock: Clock, takes: Callable[[float], float]) -> None:
        self.clock, self.takes = clock, takes

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def arrive(self, arrival: Arrival, intended: float) -> None:
        self.clock.now += self.takes(self.clock.now)


LINE = [Stream(actor="a", what="x", interval_s=0.1, ends_s=10, pattern="exact")]


def walked(takes: Callable[[float], float], cpu_s: float = 0.1) -> WorkerResult:
    """A walk along LINE that waits for each answer before it goes on: a closed loop."""
    clock = Clock()
    walk = Walk({"a": Slow(clock, takes)}, lambda: clock.now)
    walk.go(plan(LINE, 1), 101.0, 1.7e9, clock.sleep, lambda call, *words: call(*words))
    kinds = {what: tally.result() for what, tally in walk.settle().items()}
    return WorkerResult(worker=0, began_at=0, seconds=10, cpu_s=cpu_s, kinds=kinds)


def test_a_quick_target_is_reported_quick_and_sound() -> None:
    found = combine([walked(lambda now: 0.001)], [], {"x": 100})
    assert found.unsound == () and found.sent == found.planned == 100
    assert found.latency("x").quantile(0.99) == pytest.approx(0.001, rel=0.01)


def test_a_closed_loop_is_found_out() -> None:
    found = combine([walked(lambda now: 2.0 if now < 102 else 0.001)], [], {"x": 100})
    assert any("late" in reason for reason in found.unsound)
    assert found.latency("x").quantile(0.95) > 1.0  # and its figures still count from the intended time


@pytest.mark.parametrize(
    ("results", "reason"),
    [([], "0 of 100 planned arrivals were sent"), ([walked(lambda now: 0.001, cpu_s=9.5)], "saturated")],
)
def test_unsound_loads_say_why(results: list[WorkerResult], reason: str) -> None:
    assert any(reason in one for one in combine(results, [], {"x": 100}).unsound)


def test_failures_are_counted_with_their_reasons() -> None:
    def refuse(now: float) -> float:
        raise ConnectionRefusedError("nobody listens")

    kind = combine([walked(refuse)], [], {"x": 100}).kinds["x"]
    assert (kind.sent, kind.answered, kind.failed, kind.errors) == (100, 0, 100, {"nobody listens": 100})


def test_only_kinds_of_actors_that_there_are_can_be_made() -> None:
    assert "echo" in actors.kinds()
    with pytest.raises(BadInput, match="no kind of actor"):
        actors.make("../echo", "x", {})


@pytest.mark.parametrize(("frost", "truthful"), [(freeze.FROZEN_S, True), (2.9, False)])
def test_the_verdict_on_a_frozen_target(frost: float, truthful: bool, tmp_path: Path) -> None:
    """What an ideal generator would report of a frost, and that another frost is told apart."""
    spec = freeze.spec(tmp_path, 1, 2)
    latencies = Latencies()
    for one in plan(spec.streams, spec.seed):
        thawed = freeze.AT_S + frost
        latencies.record(thawed - one.at_s if freeze.AT_S <= one.at_s < thawed else 0.0005)
    assert expected(spec) == {"echo": 1000}
    kind: dict[str, Any] = {"planned": 1000, "sent": 1000, "answered": 1000, "failed": 0, "errors": {}}
    kind |= {"latency": latencies.encoded(), "send_lag": Latencies().encoded()}
    worker = WorkerResult.model_validate({"worker": 0, "began_at": 0, "seconds": 10, "cpu_s": 1, "kinds": {"echo": kind}})
    assert freeze.judged(combine([worker], [], {"echo": 1000}), 2).truthful is truthful


def test_blind_time_is_that_of_one_host_in_a_row() -> None:
    due = [Due(host, "x", float(at)) for host in ("a", "b") for at in range(0, 60, 3)]
    lost = {("a", 12.0), ("a", 15.0), ("a", 18.0), ("b", 30.0), ("a", 40.0)}
    seen = [Seen(one.at + 0.01, one.host, "x", one.at, one.at, 0) for one in due if (one.host, one.at) not in lost]
    assert blind(due, seen) == pytest.approx((9.01, 12.0))
    assert blind(due, [Seen(one.at, one.host, "x", one.at, one.at, 0) for one in due]) == (0.0, 0.0)
    assert blind(due, [one for one in seen if one.host == "b"]) == (57.0, 57.0)


def test_the_monitor_is_blind_while_it_has_nothing_of_any_host() -> None:
    due = [Due(host, "x", 1000 + second + later) for second in range(60) for host, later in (("a", 0.0), ("b", 0.5))]
    lost = {"a": range(1010, 1030), "b": range(1014, 1020)}
    seen = [Seen(one.at, one.host, "x", one.at, one.at, 0) for one in due if int(one.at) not in lost[one.host]]
    assert blind(due, seen, together=True) == (6.5, 7.0) and blind(due, seen) == (20.0, 21.0)


def test_results_that_come_late_after_a_reconnect_do_not_undo_the_blind_time() -> None:
    due = [Due("a", "x", float(at)) for at in range(60)]
    seen = [Seen(31.0 if 20 <= one.at <= 31 else one.at, "a", "x", one.at, one.at, 0) for one in due]
    assert match(due, seen).ratio == 1 and blind(due, seen) == (11.0, 12.0)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 9)), max_size=50, unique_by=lambda one: round(one[0], 2)), st.integers(0, 49))
def test_every_planned_result_is_found_with_its_lateness(planned: list[tuple[float, float]], gone: int) -> None:
    due = [Due("a", "x", round(at, 2)) for at, _ in planned]
    seen = [Seen(round(at, 2) + late, "a", "x", round(at, 2), 0, 0) for number, (at, late) in enumerate(planned) if number != gone]
    found = match(due, seen)
    assert (found.due, found.done) == (len(due), len(seen))
    if seen:
        assert found.lateness.worst == pytest.approx(max(late for number, (_, late) in enumerate(planned) if number != gone), rel=2e-3, abs=2e-6)


def test_lines_of_the_stream_that_are_no_results_are_passed_over() -> None:
    line = b'{"type":"CheckResult","host":"h","service":"s","timestamp":7.5,"check_result":{"schedule_start":7,"execution_end":7.2,"state":2}}'
    assert read(line) == Seen(7.5, "h", "s", 7.0, 7.2, 2)
    assert [read(one) for one in (b"", b"[]", b"{", b'{"check_result":null}')] == [None] * 4

"""Every wait has a deadline and a reason; time is the test's own."""

from __future__ import annotations

import pytest

from vm.errors import WatchpostError
from vm.wait import Clock, wait_until


class Time:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.sleeps.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        """This time as a clock."""
        return Clock(now=lambda: self.now, sleep=self.sleep)


def test_what_is_there_is_returned_without_waiting() -> None:
    time = Time()
    assert wait_until(lambda: "found", reason="it", deadline_s=10, clock=time.clock()) == "found"
    assert time.sleeps == []


def test_the_probe_is_asked_until_it_finds() -> None:
    time = Time()
    answers = iter([None, 0, "", "found", "never asked"])
    assert wait_until(lambda: next(answers), reason="it", deadline_s=10, interval_s=2, clock=time.clock()) == "found"
    assert time.sleeps == [2, 2, 2] and next(answers) == "never asked"


def test_a_wait_in_vain_names_reason_and_deadline() -> None:
    time = Time()
    asked: list[float] = []
    with pytest.raises(WatchpostError) as error:
        wait_until(
            lambda: asked.append(time.now), reason="the server", deadline_s=3, interval_s=1, clock=time.clock(), todo="look"
        )
    assert error.value.what == "waited 3 s in vain for the server" and error.value.todo == "look"
    assert asked == [1000, 1001, 1002, 1003], "asked once more when the time is over"


def test_even_without_time_the_probe_is_asked_once() -> None:
    time = Time()
    assert wait_until(lambda: "there", reason="it", deadline_s=0, clock=time.clock()) == "there"
    asked: list[int] = []
    with pytest.raises(WatchpostError, match="0 s in vain"):
        wait_until(lambda: asked.append(1), reason="it", deadline_s=0, clock=time.clock())
    assert asked == [1] and time.sleeps == []


def test_an_error_of_the_probe_ends_the_wait() -> None:
    time = Time()

    def probe() -> str:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        wait_until(probe, reason="it", deadline_s=10, clock=time.clock())
    assert time.sleeps == []


def test_a_probe_that_takes_long_counts_against_the_deadline() -> None:
    time = Time()
    asked: list[float] = []

    def slow() -> None:
        asked.append(time.now)
        time.now += 4

    with pytest.raises(WatchpostError):
        wait_until(slow, reason="it", deadline_s=7, interval_s=1, clock=time.clock())
    assert asked == [1000, 1005]

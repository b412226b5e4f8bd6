"""Waiting with a deadline, a reason and a clock that tests can replace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from vm.errors import WatchpostError

T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """Monotonic seconds and a sleep."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM = Clock()


def wait_until(
    probe: Callable[[], T | None],
    *,
    reason: str,
    deadline_s: float,
    interval_s: float = 0.5,
    clock: Clock = SYSTEM,
    todo: str = "",
) -> T:
    """Call probe until it returns something true and return that; an error the probe raises ends the wait.

    Raises WatchpostError naming the reason when deadline_s have passed; the probe runs at least once.
    """
    end = clock.now() + deadline_s
    while True:
        found = probe()
        if found:
            return found
        if clock.now() >= end:
            raise WatchpostError(f"waited {deadline_s:.0f} s in vain for {reason}", todo=todo)
        clock.sleep(interval_s)

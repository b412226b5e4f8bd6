"""What the user sees of a search: what is being tried, what is known, how long it still takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loadtest.run import Run
from loadtest.sizing.ledger import Asked
from vm.progress import Stages, note


class Watch:
    """Counts trials against a plan. planned: how many trials the search is expected to need; silent: nothing is being tried."""

    def __init__(self, planned: int, stages: Stages | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.planned = planned
        self.stages = stages or Stages()
        self.clock = clock
        self.silent = False
        self.took_s: list[float] = []

    @contextmanager
    def trial(self, asked: Asked) -> Iterator[Callable[[Run], None]]:
        """Around one trial; the yielded function is given its run."""
        began = self.clock()
        with self.stages.stage(str(asked)) as remarks:
            yield lambda run: remarks.append(told(run))
        self.took_s.append(self.clock() - began)

    def known(self, text: str) -> None:
        """Say what is known now, and how long the rest takes if its trials take as long as most did: an outage at full length is a quarter of an hour."""
        if self.silent:
            return
        left = max(1, self.planned - len(self.took_s))
        minutes = left * statistics.median(self.took_s) / 60 if self.took_s else None
        note(f"known: {text}" + (f"; about {left} trials, {minutes:.0f} min left" if minutes is not None else ""))


def told(run: Run) -> str:
    """A run in a few words."""
    broken = run.first_broken()
    if run.verdict == "failed" and broken is not None and broken.value is not None:
        return f"broke {broken.objective.name}: {broken.value.value:.3g}, {broken.objective.bound} {broken.objective.target:g}"
    return run.verdict + (f": {'; '.join(run.unsound)}" if run.unsound else "")

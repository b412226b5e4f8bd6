"""Judgements of sizes at a load, each made once: hints by short trials, proofs by full ones, and whether a size works at low load."""

from __future__ import annotations

from collections.abc import Sequence

from loadtest.run import Load, Run
from loadtest.sizing.bench import Bench
from loadtest.sizing.effort import Effort, Goal
from loadtest.sizing.judgement import Judgement, judge_all, judge_scenario
from loadtest.sizing.lattice import Axis, Cell
from loadtest.sizing.trial import LOW_LOAD, OUTAGE, RELOAD, SCENARIOS, SEARCHED, Length

PROOF_REPEATS, EDGE_REPEATS = 10, 20
"""Repeats of proofs and edges are numbered from here: runs that picked a size, or were made before it was seen to work, prove nothing."""


class Judge:
    """Judgements by size and kind, in the order in which they were made."""

    def __init__(self, bench: Bench, load: Load, effort: Effort, disk_gib: int) -> None:
        self.bench = bench
        self.load = load
        self.effort = effort
        self.disk_gib = disk_gib
        self.tried: dict[tuple[Cell, str], Judgement] = {}

    def hint(self, cell: Cell) -> Judgement:
        """By short trials, the outage left out."""
        return self._judge(cell, "search", self.effort.search, 0, SEARCHED)

    def outlasts(self, cell: Cell) -> Judgement:
        """Whether it bears a short outage."""
        return self._judge(cell, OUTAGE, self.effort.search, 0, (OUTAGE,))

    def proven(self, cell: Cell) -> Judgement:
        """By full trials."""
        return self._judge(cell, "proof", self.effort.proof, PROOF_REPEATS, self._broken_first(cell))

    def edge(self, cell: Cell, axis: Axis) -> Judgement:
        """By short trials, made after the run at low load, and where none fails by full ones: a short one demands less, so that its failure decides.

        axis: what the size has less of. Memory ends where two Icingas run at once, of which one reads its configuration.
        """
        order = self._broken_first(cell, RELOAD if axis == "memory" else "")
        short = self._judge(cell, "short edge", self.effort.search, EDGE_REPEATS, order)
        return short if short.verdict == "failed" else self._judge(cell, "edge", self.effort.proof, EDGE_REPEATS, order)

    def failed_before(self, cell: Cell) -> bool:
        """Whether full trials failed at this size while the search climbed."""
        return (cell, "proof") in self.tried and self.tried[cell, "proof"].verdict == "failed"

    def _broken_first(self, cell: Cell, likely: str = "") -> list[str]:
        """The scenarios, in front what broke before at this size, else with as many vCPUs, else what is likely, so that a failing size fails soon."""
        failed = [judged for judged in self.tried.values() if judged.verdict == "failed"]
        near = [judged for judged in failed if judged.cell == cell] or [judged for judged in failed if judged.cell.vcpus == cell.vcpus]
        broke = near[-1].scenario if near else likely
        return sorted(SCENARIOS, key=lambda name: name != broke)

    def low_load(self, cell: Cell) -> Run:
        """The run that decides whether this size meets `steady` at low load."""
        low = self.load.model_copy(update={"multiple": self.load.multiple * LOW_LOAD})
        found = self._scenario(cell, low, "steady", self.effort.search, "short", EDGE_REPEATS)
        return self.bench.served[found.runs[-1]]

    def _judge(self, cell: Cell, kind: str, goal: Goal, first: int, scenarios: Sequence[str]) -> Judgement:
        if (cell, kind) not in self.tried:
            each = (self._scenario(cell, self.load, name, goal, goal.length, first) for name in scenarios)
            self.tried[cell, kind] = judge_all(cell, each)
        return self.tried[cell, kind]

    def _scenario(self, cell: Cell, load: Load, name: str, goal: Goal, length: Length, first: int) -> Judgement:
        return judge_scenario(cell, name, goal, self.bench.maker(cell.spec(self.disk_gib), load, name, length, first))

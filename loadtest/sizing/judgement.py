"""Whether a size meets every objective: from several trials of each scenario one judgement. Pure but for the trials it is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from loadtest.objective import Outcome, Verdict
from loadtest.run import Run
from loadtest.sizing.effort import EXCEED_RATIO, Goal
from loadtest.sizing.lattice import Cell
from vm.artefact import Record


class Judgement(Record):
    """What trials say of a size. runs: their names, in order. broken: the objective that broke first; why: what made it invalid."""

    cell: Cell
    verdict: Verdict
    runs: tuple[str, ...]
    scenario: str = ""
    broken: Outcome | None = None
    why: str = ""


def judge_scenario(cell: Cell, scenario: str, goal: Goal, make: Callable[[int], Run]) -> Judgement:
    """Make trials until their number decides; make(repeat) makes one. Invalid trials count neither way and are made again.

    It fails once more than EXCEED_RATIO of goal.repeats failed, and passes once that can not happen any more.
    """
    made: list[Run] = []
    bearable = math.floor(EXCEED_RATIO * goal.repeats)
    while True:
        failed = [run for run in made if run.verdict == "failed"]
        invalid = [run for run in made if run.verdict == "invalid"]
        passed = len(made) - len(failed) - len(invalid)
        names = tuple(run.name for run in made)
        if len(failed) > bearable:
            return Judgement(cell=cell, verdict="failed", runs=names, scenario=scenario, broken=failed[-1].first_broken())
        if passed >= goal.repeats - bearable:
            return Judgement(cell=cell, verdict="passed", runs=names, scenario=scenario)
        if len(invalid) > goal.invalid_retries:
            return Judgement(cell=cell, verdict="invalid", runs=names, scenario=scenario, why=why_invalid(invalid[-1]))
        made.append(make(len(made)))


def judge_all(cell: Cell, each: Iterable[Judgement]) -> Judgement:
    """The judgement on all scenarios, taken one by one: the first that does not pass ends it."""
    runs: tuple[str, ...] = ()
    for one in each:
        runs += one.runs
        if one.verdict != "passed":
            return one.model_copy(update={"runs": runs})
    return Judgement(cell=cell, verdict="passed", runs=runs)


def why_invalid(run: Run) -> str:
    """Why a run says nothing."""
    return "; ".join([*run.unsound, *(one.why for one in run.outcomes if one.verdict == "invalid" and one.why)]) or "no reason given"

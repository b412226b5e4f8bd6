"""What a run must reach, and whether it did. Pure."""

from __future__ import annotations

from typing import Literal

from loadtest.estimate import Estimate
from vm.artefact import Record

Verdict = Literal["passed", "failed", "invalid"]


class Objective(Record):
    """A bound on one metric of a run; the metric's name ends with its unit (`lateness_p99_s`, `goodput_ratio`)."""

    name: str
    metric: str
    bound: Literal["at least", "at most"]
    target: float
    resource: Literal["cpu", "memory", "disk", "any"] = "any"
    """What ran out when this breaks, where the objective itself says so."""

    def met_by(self, value: float) -> bool:
        """Whether a value keeps to the bound."""
        return value >= self.target if self.bound == "at least" else value <= self.target


class Outcome(Record):
    """An objective, what was measured for it, and the verdict. invalid: the run says nothing of it; why says the reason."""

    objective: Objective
    value: Estimate | None
    verdict: Verdict
    why: str = ""


def judge(objective: Objective, metrics: dict[str, Estimate]) -> Outcome:
    """The verdict on one objective; a metric that was not measured is invalid, never passed."""
    value = metrics.get(objective.metric)
    if value is None:
        return Outcome(objective=objective, value=None, verdict="invalid", why=f"{objective.metric} was not measured")
    return Outcome(objective=objective, value=value, verdict="passed" if objective.met_by(value.value) else "failed")


def verdict_of(outcomes: tuple[Outcome, ...], unsound: tuple[str, ...]) -> Verdict:
    """The verdict on a whole run. Unsound reasons make it invalid; then one failure makes it failed, whatever else was not measured."""
    if unsound:
        return "invalid"
    verdicts = {one.verdict for one in outcomes}
    return "failed" if "failed" in verdicts else "invalid" if "invalid" in verdicts else "passed"

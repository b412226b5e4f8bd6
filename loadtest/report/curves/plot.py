"""What a curve is: a plot with the table that says the same, or what it lacks; and what several curves ask of a sizing."""

from __future__ import annotations

from markupsafe import Markup

from loadtest.estimate import Estimate
from loadtest.run import Run
from loadtest.sizing.answer import Sizing
from loadtest.sizing.trial import SCENARIOS
from vm.artefact import Record


class Plot(Record):
    """A curve and the table that says the same."""

    model_config = {"arbitrary_types_allowed": True, "frozen": True, "extra": "forbid"}

    title: str
    says: str
    svg: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Missing(Record):
    """A curve that could not be drawn, and what it would need."""

    title: str
    needs: str


def interval(estimate: Estimate, digits: int = 3) -> str:
    """A figure and its interval."""
    if estimate.low == estimate.high:
        return f"{estimate.value:.{digits}g}"
    return f"{estimate.value:.{digits}g} ({estimate.low:.{digits}g} to {estimate.high:.{digits}g})"


def chosen_runs(sizing: Sizing) -> dict[str, Run]:
    """The passing runs at the recommended size, by scenario."""
    names = sizing.found.passing.runs if sizing.found and sizing.found.passing else ()
    runs = {run.name: run for run in sizing.runs}
    made = [runs[name] for name in names if name in runs and runs[name].verdict == "passed"]
    return {scenario: run for scenario in SCENARIOS for run in made if run.scenario == scenario}

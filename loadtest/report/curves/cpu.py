"""Cores in use by scenario, at the recommended size."""

from __future__ import annotations

from loadtest.report.curves.plot import Plot, chosen_runs, interval
from loadtest.report.svg import BLUE, INK, RED, drawing
from loadtest.sizing import metrics
from loadtest.sizing.answer import Sizing

TITLE = "CPU by scenario"
NEEDS = "a passing run with CPU seconds at the recommended size"


def draw(sizing: Sizing) -> Plot | None:
    """The plot, or None where its data are missing."""
    runs = {scenario: run for scenario, run in chosen_runs(sizing).items() if metrics.CPU_CORES in run.metrics}
    if not runs:
        return None
    values = [run.metrics[metrics.CPU_CORES] for run in runs.values()]
    limit = next(iter(runs.values())).size.vcpus
    with drawing("cpu", 2.8) as made:
        errors = [[one.value - one.low for one in values], [one.high - one.value for one in values]]
        made.axes.barh(range(len(values)), [one.value for one in values], xerr=errors, color=BLUE, ecolor=INK, capsize=3, height=0.55)
        made.axes.axvline(limit, color=RED, linestyle="--", linewidth=1.2)
        made.axes.set_yticks(range(len(runs)), list(runs))
        made.axes.invert_yaxis()
        made.axes.grid(axis="y", visible=False)
        made.axes.set_xlabel(f"cores, mean of the measured window; dashed: the machine's {limit:g} vCPU")
    rows = tuple((scenario, interval(run.metrics[metrics.CPU_CORES]), f"{run.metrics[metrics.CPU_CORES].value / limit:.0%}") for scenario, run in runs.items())
    return Plot(title=TITLE, says="The mean hides bursts; the objectives judge those.", svg=made.svg, head=("scenario", "cores", "of the machine"), rows=rows)

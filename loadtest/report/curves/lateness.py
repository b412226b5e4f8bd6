"""Lateness of results by scenario, from the intended time."""

from __future__ import annotations

from loadtest.report.curves.plot import Plot, chosen_runs, interval
from loadtest.report.svg import AMBER, BLUE, GREEN, drawing
from loadtest.sizing import metrics
from loadtest.sizing.answer import Sizing

TITLE = "Lateness"
NEEDS = "a passing run with the lateness of results at the recommended size"


def draw(sizing: Sizing) -> Plot | None:
    """The plot, or None where its data are missing."""
    runs = {scenario: run for scenario, run in chosen_runs(sizing).items() if all(name in run.metrics for name in metrics.LATENESS_S.values())}
    if not runs:
        return None
    with drawing("lateness", 2.8) as made:
        for (share, name), colour in zip(metrics.LATENESS_S.items(), (GREEN, AMBER, BLUE), strict=True):
            values = [run.metrics[name] for run in runs.values()]
            errors = [[one.value - one.low for one in values], [one.high - one.value for one in values]]
            made.axes.errorbar(range(len(runs)), [one.value for one in values], yerr=errors, fmt="o", color=colour, capsize=3, label=share)
        made.axes.set_yscale("log", subs=(2, 5))
        made.axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        made.axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
        made.axes.set_xticks(range(len(runs)), list(runs))
        made.axes.margins(x=0.15)
        made.axes.set_ylabel("s, logarithmic")
        made.axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    rows = tuple((scenario, *(interval(run.metrics[name]) for name in metrics.LATENESS_S.values())) for scenario, run in runs.items())
    return Plot(title=TITLE, says="Seconds from the planned time of a result to its processing.", svg=made.svg, head=("scenario", *metrics.LATENESS_S), rows=rows)

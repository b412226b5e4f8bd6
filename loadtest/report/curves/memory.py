"""Peak memory by unit and scenario, at the recommended size."""

from __future__ import annotations

from loadtest.estimate import Estimate
from loadtest.report.curves.plot import Plot, chosen_runs, interval
from loadtest.report.svg import INK, RED, SERIES, drawing
from loadtest.sizing import metrics
from loadtest.sizing.answer import Sizing

TITLE = "Memory by unit"
NEEDS = "a passing run with memory by unit at the recommended size"


def draw(sizing: Sizing) -> Plot | None:
    """The plot, or None where its data are missing."""
    runs = {scenario: run for scenario, run in chosen_runs(sizing).items() if metrics.memory_by_unit(run)}
    if not runs:
        return None
    units = sorted({unit for run in runs.values() for unit in metrics.memory_by_unit(run)})
    with drawing("memory", 3.2) as made:
        for index, (_scenario, run) in enumerate(runs.items()):
            left = 0.0
            for number, unit in enumerate(units):
                mib = metrics.memory_by_unit(run).get(unit, 0.0)
                made.axes.barh(index, mib, left=left, color=SERIES[number % len(SERIES)], label=unit if not index else None, height=0.62)
                left += mib
            peak = run.metrics.get(metrics.MEMORY_PEAK_MIB)
            if peak:
                made.axes.errorbar(peak.value, index, xerr=[[peak.value - peak.low], [peak.high - peak.value]], color=INK, capsize=3, fmt="|", zorder=4)
        limit = next(iter(runs.values())).size.memory_mib
        made.axes.axvline(limit, color=RED, linestyle="--", linewidth=1.2)
        made.axes.set_yticks(range(len(runs)), list(runs))
        made.axes.invert_yaxis()
        made.axes.grid(axis="y", visible=False)
        made.axes.set_xlabel(f"MiB at the peak; dashed: the machine's {limit} MiB; bar: whole machine with interval")
        made.axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    rows = tuple(
        (scenario, *(f"{metrics.memory_by_unit(run).get(unit, 0):.0f}" for unit in units), _or_missing(run.metrics.get(metrics.MEMORY_PEAK_MIB)))
        for scenario, run in runs.items()
    )
    return Plot(title=TITLE, says="MiB, peak of the working set in each scenario at the recommended size.", svg=made.svg, head=("scenario", *units, "whole machine"), rows=rows)


def _or_missing(estimate: Estimate | None) -> str:
    return interval(estimate) if estimate else "not measured"

"""Seconds of the collecting Puppet run over hosts, with the fitted line and its interval."""

from __future__ import annotations

from loadtest.report.curves.plot import Plot, interval
from loadtest.report.svg import BLUE, INK, drawing
from loadtest.sizing import metrics
from loadtest.sizing.answer import Sizing

TITLE = "Collecting run over hosts"
NEEDS = "runs of `collect` with at least two fleets of at most 20 hosts"


def draw(sizing: Sizing) -> Plot | None:
    """The plot, or None where its data are missing."""
    line = sizing.model.collect_s
    runs = [run for run in sizing.runs if run.scenario == "collect" and run.verdict != "invalid" and metrics.COLLECT_S in run.metrics and run.size.vcpus == sizing.model.vcpus]
    if line is None or not runs:
        return None
    most = max(run.load.hosts for run in runs)
    at = [most * step / 40 for step in range(41)]
    with drawing("collect", 3.0) as made:
        made.axes.fill_between(at, [line.at(x).low for x in at], [line.at(x).high for x in at], color=BLUE, alpha=0.15, linewidth=0)
        made.axes.plot(at, [line.at(x).value for x in at], color=BLUE, label=f"fitted on at most {line.largest_x:g} hosts")
        made.axes.scatter([run.load.hosts for run in runs], [run.metrics[metrics.COLLECT_S].value for run in runs], color=INK, s=26, zorder=3, label="measured")
        made.axes.set_xlabel("hosts")
        made.axes.set_ylabel("s")
        made.axes.set_ylim(bottom=0)
        made.axes.legend(loc="upper left")
    hosts = sorted({run.load.hosts for run in runs})
    rows = tuple(
        (str(count), interval(line.at(count)), ", ".join(f"{run.metrics[metrics.COLLECT_S].value:.3g}" for run in runs if run.load.hosts == count)) for count in hosts
    )
    return Plot(title=TITLE, says=f"The whole Puppet run on {sizing.model.vcpus:g} vCPU; the band is where a further run is expected.", svg=made.svg, head=("hosts", "line, s", "measured, s"), rows=rows)

"""Which sizes were tried, and which passed."""

from __future__ import annotations

from loadtest.report.curves.plot import Plot
from loadtest.report.svg import AMBER, GREEN, INK, RED, drawing
from loadtest.sizing.answer import Sizing

TITLE = "Sizes that were tried"
NEEDS = "a search that tried a size"


def draw(sizing: Sizing) -> Plot | None:
    """The plot, or None where its data are missing."""
    tried = sizing.found.tried if sizing.found else ()
    if not tried:
        return None
    marks = {"passed": (GREEN, "o"), "failed": (RED, "X"), "invalid": (AMBER, "s")}
    with drawing("sizes", 3.2) as made:
        for verdict, (colour, marker) in marks.items():
            points = [(one.cell.vcpus, one.cell.memory_mib) for one in tried if one.verdict == verdict]
            if points:
                made.axes.scatter([x for x, _ in points], [y for _, y in points], color=colour, marker=marker, s=70, label=verdict, zorder=3)
        if sizing.found and sizing.found.chosen:
            cell = sizing.found.chosen
            made.axes.scatter([cell.vcpus], [cell.memory_mib], s=260, facecolors="none", edgecolors=INK, linewidths=1.4, label="recommended", zorder=4)
        made.axes.set_xscale("log")
        made.axes.set_yscale("log", base=2)
        made.axes.set_xticks(sorted({one.cell.vcpus for one in tried}), [f"{v:g}" for v in sorted({one.cell.vcpus for one in tried})])
        made.axes.minorticks_off()
        ticks = sorted({one.cell.memory_mib for one in tried})
        made.axes.set_yticks(ticks, [str(v) for v in ticks])
        made.axes.margins(0.15)
        made.axes.set_xlabel("vCPU")
        made.axes.set_ylabel("MiB")
        made.axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    rows = tuple((str(one.cell), one.verdict, _broke(one.scenario, one.broken.objective.name if one.broken else one.why), str(len(one.runs))) for one in tried)
    return Plot(title=TITLE, says="A size passes when it meets every objective of every scenario.", svg=made.svg, head=("size", "verdict", "what broke", "runs"), rows=rows)


def _broke(scenario: str, what: str) -> str:
    return f"{scenario}: {what}" if scenario and what else what

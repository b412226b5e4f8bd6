"""GiB in use over the retention time."""

from __future__ import annotations

from loadtest.report.curves.plot import Plot, interval
from loadtest.report.svg import AMBER, BLUE, RED, drawing
from loadtest.sizing.answer import Sizing
from loadtest.sizing.disk import FREE_SHARE

TITLE = "Disk over the retention time"
NEEDS = "a run that measured bytes a state change and the disk before any history"


def draw(sizing: Sizing) -> Plot | None:
    """The plot, or None where its data are missing."""
    found = sizing.disk
    if found is None:
        return None
    days = [found.retention_days * step / 12 for step in range(13)]
    used = [found.used_gib(day) for day in days]
    with drawing("disk", 2.8) as made:
        made.axes.fill_between(days, [one.low for one in used], [one.high for one in used], color=BLUE, alpha=0.15, linewidth=0)
        made.axes.plot(days, [one.value for one in used], color=BLUE)
        made.axes.axhline(found.gib * (1 - FREE_SHARE), color=AMBER, linestyle="--", linewidth=1.2)
        made.axes.axhline(found.gib, color=RED, linestyle="--", linewidth=1.2)
        made.axes.set_ylim(bottom=0)
        made.axes.set_xlabel(f"days; dashed: {found.gib} GiB, and {1 - FREE_SHARE:.0%} of it")
        made.axes.set_ylabel("GiB in use")
    rows = tuple((f"{day:.0f}", interval(one)) for day, one in zip(days[::3], used[::3], strict=True))
    return Plot(
        title=TITLE, says=f"From measured bytes a state change and {found.changes_per_day:,.0f} changes a day, which is an assumption.",
        svg=made.svg, head=("day", "GiB in use"), rows=rows,
    )  # fmt: skip

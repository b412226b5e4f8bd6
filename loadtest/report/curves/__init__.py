"""The curves of a report, a file each: TITLE, NEEDS and draw(sizing), in the order of the page."""

from __future__ import annotations

from loadtest.report.curves import collect, cpu, disk, lateness, memory, sizes
from loadtest.report.curves.plot import Missing, Plot
from loadtest.sizing.answer import Sizing

CURVES = (sizes, memory, cpu, lateness, collect, disk)


def curves(sizing: Sizing) -> tuple[Plot | Missing, ...]:
    """Every curve, or what it would need."""
    return tuple(curve.draw(sizing) or Missing(title=curve.TITLE, needs=curve.NEEDS) for curve in CURVES)

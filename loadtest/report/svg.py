"""Drawing with matplotlib into SVG that can stand inside a page: no script, no font, no date, the same bytes for the same data."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GRID = "#1f2933", "#d9dee4"
BLUE, RED, GREEN, AMBER = "#2667a8", "#b3261e", "#2e7d4f", "#b26a00"
SERIES = ("#2667a8", "#7fb069", "#e6aa68", "#9b6bb3", "#5aa9a3", "#c65b7c", "#8a8f98", "#b8b042")
"""Colours of stacked units, in order; told apart by most colour-blind eyes, and the table says the same."""

STYLE: Any = {
    "svg.fonttype": "path", "text.parse_math": False, "font.family": "DejaVu Sans", "font.size": 9.5, "axes.edgecolor": GRID, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "hatch.linewidth": 0.6,
}  # fmt: skip


class Drawing:
    """One plot: draw on axes; svg is there once it is closed."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.svg = Markup("")


@contextmanager
def drawing(name: str, height: float = 3.0) -> Iterator[Drawing]:
    """A plot by a name that is unique on its page. height in inches, at a width of 6.6."""
    import matplotlib  # half a second, which other commands should not wait for
    from matplotlib.figure import Figure

    style: Any = {**STYLE, "svg.hashsalt": name}  # its keys are a closed list of words for the type checker
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(6.6, height), layout="constrained")
        made = Drawing(figure.add_subplot())
        yield made
        target = io.StringIO()
        figure.savefig(target, format="svg", transparent=True)
        made.svg = inline(target.getvalue(), name)


def inline(text: str, name: str) -> Markup:
    """An SVG file as an element: without prolog and metadata, its ids made unique by the plot's name."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'<svg ([^>]*?)width="[^"]+" height="[^"]+"|<svg ', lambda found: "<svg " + (found[1] or ""), body, count=1)
    return Markup(body.strip())

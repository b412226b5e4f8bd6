"""A sizing as files: report.html, its twin report.json, and hosting.md for a hoster. The same sizing gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtest.report.curves import curves
from loadtest.report.curves.plot import Plot, interval
from loadtest.report.sure import sure
from loadtest.sizing.answer import Sizing, answer, verdict
from loadtest.sizing.disk import CHANGES_PER_SERVICE_DAY, FREE_SHARE
from loadtest.sizing.headroom import knee
from loadtest.sizing.pricing import wanted
from vm.artefact import write_file

TEMPLATES = Path(__file__).parent / "templates"


def write(sizing: Sizing, folder: Path) -> tuple[Path, ...]:
    """Write the three files; readable by everybody, as a web server may show them."""
    texts = {"report.html": page(sizing), "report.json": twin(sizing), "hosting.md": specification(sizing)}
    for name, text in texts.items():
        write_file(folder / name, text, mode=0o644)
    folder.chmod(0o755)
    return tuple(folder / name for name in texts)


def page(sizing: Sizing) -> str:
    """The report as one page, without scripts or links that leave it."""
    drawn = curves(sizing)
    plots = [one for one in drawn if isinstance(one, Plot)]
    missing = [one for one in drawn if not isinstance(one, Plot)]
    return _environment(html=True).get_template("report.html.j2").render(**_words(sizing), plots=plots, missing=missing) + "\n"


def specification(sizing: Sizing) -> str:
    """What to order, in Markdown, to be pasted into a mail."""
    return _environment(html=False).get_template("hosting.md.j2").render(**_words(sizing)).strip() + "\n"


def twin(sizing: Sizing) -> str:
    """All of it for programs."""
    found = {"answer": answer(sizing).model_dump(mode="json"), "sure": sure(sizing), "sizing": sizing.model_dump(mode="json")}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _words(sizing: Sizing) -> dict[str, Any]:
    return {
        "sizing": sizing, "answer": answer(sizing), "verdict": verdict(sizing), "sure": sure(sizing), "interval": interval,
        "wanted": wanted(sizing.need, sizing.disk.gib if sizing.disk else None) if sizing.need else "",
        "knee": knee, "free_share": FREE_SHARE, "changes_a_day": CHANGES_PER_SERVICE_DAY,
    }  # fmt: skip


def _environment(*, html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
    )

"""The matrix as a page without scripts, as JSON, and as JUnit with ids for names. Pure but for `write`; the same matrix gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.table import Table

from provision.accept.matrix import GOOD, Matrix
from vm.artefact import write_file

TEMPLATES = Path(__file__).parent / "templates"


def write(found: Matrix, folder: Path) -> tuple[Path, ...]:
    """accept.html, accept.json and accept.xml in a directory."""
    texts = {"accept.html": page(found), "accept.json": found.model_dump_json(indent=1) + "\n", "accept.xml": junit(found)}
    for name, text in texts.items():
        write_file(folder / name, text, mode=0o644)
    folder.chmod(0o755)
    return tuple(folder / name for name in texts)


def page(found: Matrix) -> str:
    """One page without scripts or links that leave it."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("accept.html.j2").render(matrix=found, good=GOOD) + "\n"


def junit(found: Matrix) -> str:
    """Each requirement as a test case of its id."""
    suite = ElementTree.Element("testsuite", name="requirements", tests=str(len(found.requirements)))
    for row in found.requirements:
        case = ElementTree.SubElement(suite, "testcase", classname=row.level, name=row.id, time=f"{row.seconds:g}")
        if row.result == "failed" or row.unmet:
            ElementTree.SubElement(case, "failure", message=f"{row.result}: {'; '.join(row.evidence)[:1000]}")
        elif row.result not in GOOD:
            ElementTree.SubElement(case, "skipped", message=f"{row.result}: {'; '.join(row.evidence)[:1000]}")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode") + "\n"


def table(found: Matrix) -> Table:
    """The matrix for a terminal, with the first evidence of each row."""
    shown = Table("id", "level", "result", "evidence", box=None, pad_edge=False)
    for row in found.requirements:
        shown.add_row(row.id, row.level, row.result, row.evidence[0][:160] if row.evidence else "")
    unmet = ", ".join(row.id for row in found.unmet)
    left = f"{found.count('not asked')} not asked, " if found.count("not asked") else ""
    shown.caption = f"{found.count('proven')} proven, {found.count('failed')} failed, {left}{len(found.requirements)} in all" + (f"; unmet: {unmet}" if unmet else "")
    return shown

"""What differs between two rebuilds, and whether that was meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from xml.etree import ElementTree

from provision.rebuild.snapshot import Snapshot
from vm.artefact import Record

Kind = Literal["intended", "drift"]
ABSENT = "-"


class Difference(Record):
    """One line that differs. intended: what it is made from moved between the two; drift: nothing that explains it did."""

    aspect: str
    name: str
    before: str
    after: str
    kind: Kind


class Comparison(Record):
    """Two rebuilds side by side. moved: which of lock, recipe, code and options differ."""

    version: int = 1
    baseline: str
    moved: tuple[str, ...]
    aspects: dict[str, int]
    differences: tuple[Difference, ...]

    @property
    def drift(self) -> tuple[Difference, ...]:
        """The differences that nothing explains."""
        return tuple(one for one in self.differences if one.kind == "drift")


MADE_FROM = {"image": {"lock", "recipe"}, "packages": {"lock", "recipe"}}
"""What explains a difference in an aspect; the others follow from all of them alike."""
ALL = {"lock", "recipe", "code", "options"}


def compare(before: Snapshot, after: Snapshot, baseline: str) -> Comparison:
    """Every difference between two snapshots. baseline: where the first came from, in words."""
    moved = {name for name in ALL if getattr(before, name) != getattr(after, name)}
    found = []
    for aspect in sorted({*before.aspects, *after.aspects}):
        old, new = before.aspects.get(aspect, {}), after.aspects.get(aspect, {})
        kind: Kind = "intended" if moved & MADE_FROM.get(aspect, ALL) else "drift"
        for name in sorted({*old, *new}):
            was, now = old.get(name, ABSENT), new.get(name, ABSENT)
            if was != now:
                found.append(Difference(aspect=aspect, name=name, before=was, after=now, kind=kind))
    return Comparison(
        baseline=baseline, moved=tuple(sorted(moved)), aspects={name: len(rows) for name, rows in sorted(after.aspects.items())},
        differences=tuple(found),
    )  # fmt: skip


def junit(comparison: Comparison) -> str:
    """The comparison as JUnit XML: one test an aspect, failed by drift."""
    suite = ElementTree.Element("testsuite", name="rebuild", tests=str(len(comparison.aspects)))
    failures = 0
    for aspect, rows in comparison.aspects.items():
        case = ElementTree.SubElement(suite, "testcase", classname="rebuild", name=aspect)
        drift = [one for one in comparison.drift if one.aspect == aspect]
        if drift:
            failures += 1
            failure = ElementTree.SubElement(case, "failure", message=f"{len(drift)} of {rows} differ without a reason")
            failure.text = "\n".join(lines(drift))
        meant = [one for one in comparison.differences if one.aspect == aspect and one.kind == "intended"]
        ElementTree.SubElement(case, "system-out").text = "\n".join([f"{rows} compared", *lines(meant)])
    suite.set("failures", str(failures))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def lines(differences: Iterable[Difference]) -> list[str]:
    """Differences as text."""
    return [f"{one.aspect}: {one.name}: {one.before} -> {one.after} ({one.kind})" for one in differences]

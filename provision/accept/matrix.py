"""Requirements beside what tests found and the operator said: one row an id. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Literal

from provision.accept.operator import Operator
from provision.accept.requirements import Level, Requirement
from vm.artefact import Record

Result = Literal["proven", "failed", "not run", "not asked", "argued", "declared", "not declared", "open", "unmet, accepted"]
GOOD: tuple[Result, ...] = ("proven", "argued", "declared", "unmet, accepted")


class Shown(Record):
    """One test: its name, the ids that it shows, how it ended, and what it saw."""

    name: str
    ids: tuple[str, ...]
    outcome: Literal["passed", "failed", "not run", "not asked"]
    seconds: float = 0
    evidence: tuple[str, ...] = ()


class Row(Record):
    """One requirement. evidence: what tests saw, or why it holds without one."""

    id: str
    level: Level
    text: str
    result: Result
    evidence: tuple[str, ...]
    seconds: float = 0

    @property
    def must(self) -> bool:
        """Whether nothing may be built on a machine that lacks it."""
        return self.level in ("MUST", "MUST NOT")

    @property
    def unmet(self) -> bool:
        """A MUST that was asked for and that nothing shows."""
        return self.must and self.result not in (*GOOD, "not asked")


class Matrix(Record):
    """All rows in the list's order. ran_on: what was looked at, in words."""

    version: Literal[1] = 1
    made_on: datetime.date
    ran_on: str
    requirements: tuple[Row, ...]

    @property
    def unmet(self) -> tuple[Row, ...]:
        """Every MUST that was asked for and that nothing shows."""
        return tuple(row for row in self.requirements if row.unmet)

    def count(self, result: Result) -> int:
        """How many rows have this result."""
        return sum(row.result == result for row in self.requirements)


def matrix(listed: Iterable[Requirement], tests: Iterable[Shown], operator: Operator, today: datetime.date, ran_on: str, *, partly: bool = False) -> Matrix:
    """The matrix. partly: somebody asked for some tests only, and a row of which one was left out is `not asked`."""
    found = list(tests)
    rows = tuple(_row(one, [test for test in found if one.id in test.ids], operator, today, partly) for one in listed)
    return Matrix(made_on=today, ran_on=ran_on, requirements=rows)


def _row(one: Requirement, tests: list[Shown], operator: Operator, today: datetime.date, partly: bool) -> Row:
    result, evidence = _result(one, tests, operator, partly)
    accepted = next((it for it in operator.accepted if it.id == one.id and it.until >= today), None)
    if accepted is not None and result not in (*GOOD, "not asked"):
        result, evidence = "unmet, accepted", (f"by {accepted.by} until {accepted.until}: {accepted.why}", result, *evidence)
    return Row(id=one.id, level=one.level, text=one.text, result=result, evidence=evidence, seconds=round(sum(test.seconds for test in tests), 1))


def _result(one: Requirement, tests: list[Shown], operator: Operator, partly: bool) -> tuple[Result, tuple[str, ...]]:
    if one.argued:
        return "argued", (f"{one.argued.text} ({one.argued.source}, {one.argued.on})",)
    said = next((it for it in operator.declared if it.id == one.id), None)
    if said:
        return "declared", (f"{said.text} ({said.by}, {said.on})",)
    seen = tuple(f"{test.name}: {text}" for test in tests for text in test.evidence or (test.outcome,))
    if any(test.outcome == "failed" for test in tests):
        return "failed", tuple(f"{test.name}: {text}" for test in tests if test.outcome == "failed" for text in test.evidence or ("failed",))
    if partly and (not tests or any(test.outcome == "not asked" for test in tests)):
        return "not asked", seen
    if one.declared:
        return "not declared", ("no software can show it: the operator has to say",)
    if one.open:
        return "open", (one.open, *seen)
    if not tests or any(test.outcome == "not run" for test in tests):
        return "not run", seen
    return "proven", seen

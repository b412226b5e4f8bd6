"""The list of requirements: one record an id, and how it is shown where no test shows it."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import Field

from vm.artefact import Record
from vm.errors import BadInput

LIST = Path(__file__).resolve().parents[2] / "docs" / "requirements.toml"
ID = r"^[A-Z]+(-[A-Z0-9]+)+$"
Level = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "accepted", "goal", "CRITICAL", "HIGH", "MEDIUM", "LOW"]


class Argued(Record):
    """Why it holds, for what no machine can show; on: when that was looked up."""

    text: str = Field(min_length=1)
    on: datetime.date
    source: str = Field(min_length=1)


class Requirement(Record):
    """One requirement. argued, declared (by the operator), open (what is not shown yet, whether tests show a part or not): at most one of them; with none, tests show it."""

    id: str = Field(pattern=ID)
    level: Level
    text: str = Field(min_length=1)
    source: str = Field(min_length=1)
    argued: Argued | None = None
    declared: bool = False
    open: str = ""

    @property
    def must(self) -> bool:
        """Whether nothing may be built on a machine that lacks it."""
        return self.level in ("MUST", "MUST NOT")

    @property
    def tested(self) -> bool:
        """Whether tests are what shows it."""
        return not (self.argued or self.declared or self.open)


def read(path: Path = LIST) -> tuple[Requirement, ...]:
    """The list, in its order. Raises BadInput for one that cannot be read or names an id twice."""
    try:
        found = tuple(Requirement.model_validate(one) for one in _table(path, "requirement"))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"a requirement is none: {first['loc'][0]}: {first['msg']}", str(path), "mend the list") from error
    for one in found:
        if sum((one.argued is not None, one.declared, bool(one.open))) > 1:
            raise BadInput(f"{one.id} is shown in two ways", str(path), "leave one of `argued`, `declared` and `open`")
    twice = [one.id for one in found if sum(other.id == one.id for other in found) > 1]
    if twice:
        raise BadInput(f"{twice[0]} is there twice", str(path), "an id is one requirement")
    return found


def _table(path: Path, name: str) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            found = tomllib.load(stream).get(name, [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"the list of requirements cannot be read: {error}", str(path), "mend it") from error
    return list(found)


def disagreements(listed: tuple[Requirement, ...], named: set[str]) -> list[str]:
    """Where the list and the ids that tests name do not fit: a test of no requirement, a requirement of no test, a test of one that none can show. Pure."""
    known = {one.id for one in listed}
    wrong = [f"a test names {one}, which is no requirement" for one in sorted(named - known)]
    wrong += [f"{one.id} has no test, and is neither argued, declared nor open" for one in listed if one.tested and one.id not in named]
    return wrong + [f"{one.id} has a test, and is {'argued' if one.argued else 'declared'} too" for one in listed if (one.argued or one.declared) and one.id in named]

"""What only the operator can say: of the people who host the machine, and which gaps are accepted for how long."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import pydantic
from pydantic import Field

from provision.accept.requirements import ID, Requirement
from vm.artefact import Record
from vm.errors import BadInput


class Said(Record):
    """What somebody says of a requirement."""

    id: str = Field(pattern=ID)
    by: str = Field(min_length=1)


class Declared(Said):
    """That it holds, and when that was said."""

    text: str = Field(min_length=1)
    on: datetime.date


class Accepted(Said):
    """That it may stay unmet until a day (inclusive), and why."""

    why: str = Field(min_length=1)
    until: datetime.date


class Operator(Record):
    """The operator's file."""

    declared: tuple[Declared, ...] = ()
    accepted: tuple[Accepted, ...] = ()


def read(path: Path, listed: tuple[Requirement, ...]) -> Operator:
    """The operator's file. Raises BadInput for one that cannot be read, or speaks of what is no requirement or not the operator's to declare."""
    try:
        with path.open("rb") as stream:
            found = Operator.model_validate(tomllib.load(stream))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"the operator's file cannot be read: {error}", str(path), "name a TOML file; docs/how-to/accept.md has one") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"the operator's file is none: {place}: {first['msg']}", str(path), "docs/how-to/accept.md has one") from error
    known = {one.id: one for one in listed}
    everything: tuple[Said, ...] = (*found.declared, *found.accepted)
    for one in everything:
        if one.id not in known:
            raise BadInput(f"{one.id} is no requirement", str(path), "docs/requirements.toml has them")
    for one in found.declared:
        if not known[one.id].declared:
            raise BadInput(f"{one.id} is not the operator's to declare", str(path), "it has to be proven; `accepted` says for how long it may stay unmet")
    return found

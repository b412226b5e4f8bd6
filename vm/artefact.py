"""Records between stages: frozen, versioned, stored as JSON, named by digest."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from vm.errors import BadInput


class Record(pydantic.BaseModel):
    """A frozen record; unknown fields are refused, so that a newer file is never half understood."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


R = TypeVar("R", bound=Record)


def write_file(path: Path, data: str | bytes, mode: int = 0o600) -> None:
    """Write a file whole or not at all: a temporary neighbour is renamed over it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data.encode() if isinstance(data, str) else data)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def save(record: Record, path: Path) -> None:
    """Store a record, readable by its owner only."""
    write_file(path, record.model_dump_json(indent=2) + "\n")


def load(cls: type[R], path: Path) -> R:
    """Read a record back.

    Raises BadInput when the file is missing, is no JSON, or was written by another version.
    """
    try:
        record = cls.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInput(f"there is no {cls.__name__} yet", str(path), "run the stage that writes it first") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise BadInput(
            f"{path.name} is no usable {cls.__name__}: {place}: {first['msg']}", str(path), "remove it and run again"
        ) from error
    field = cls.model_fields.get("version")
    if field is not None and getattr(record, "version", None) != field.default:
        raise BadInput(f"{path.name} was written by another version", str(path), "remove it and run again")
    return record


def digest(value: Any) -> str:
    """Sha256 (hex) of a JSON-able value; equal values have equal digests whatever the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_files(paths: Iterable[Path], base: Path) -> str:
    """Sha256 (hex) over names (relative to base), executable bits and contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        executable = bool(path.stat().st_mode & 0o100)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(base)}\0{executable}\0{content}\n".encode())
    return total.hexdigest()

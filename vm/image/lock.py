"""The package lock: exactly which .debs an image is made of, and the clock its build goes by.

Owns the record, its text, what a lock is refused for, and the difference between two. Does not own where .debs come
from (mirror.py) nor where they lie (debs.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from vm.artefact import Record, load, write_file
from vm.errors import BadInput


class LockedPackage(Record):
    """One .deb by name, version, architecture (`all` for most data) and sha256 (hex) of the file."""

    name: str
    version: str
    architecture: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name APT gives the file: a colon in the version is written %3a."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class PackageLock(Record):
    """All packages of one image.

    source_date_epoch: seconds since 1970, no file of the image is younger. asked: names from the Hiera data; required:
    names that Debian marks so. sources_sha256: of the guest's sources.list, whose text comes from mmdebstrap.
    """

    version: int = 1
    kind: str
    suite: str
    architecture: str
    source_date_epoch: int
    sources_sha256: str
    asked: tuple[str, ...]
    required: tuple[str, ...]
    packages: tuple[LockedPackage, ...]


class Change(Record):
    """One package that differs between two locks; no old version: it is new, no new one: it is gone."""

    name: str
    old: str | None
    new: str | None
    security: bool

    def __str__(self) -> str:
        return f"{self.name} {self.old or '(not there)'} -> {self.new or '(gone)'}" + " (security)" * self.security


def text(lock: PackageLock) -> str:
    """The lock as JSON with one line a package, so that a version control system shows what moved."""
    head = lock.model_dump(mode="json")
    rows = ",\n".join(f"    {json.dumps(row)}" for row in head.pop("packages"))
    return f'{json.dumps(head, indent=2)[:-2]},\n  "packages": [\n{rows}\n  ]\n}}\n'


def save(lock: PackageLock, path: Path, mode: int = 0o600) -> None:
    """Write a lock whole or not at all."""
    write_file(path, text(lock), mode)


def read(path: Path) -> PackageLock:
    """Read a lock. Raises BadInput when it is missing, broken or of another version."""
    if not path.is_file():
        raise BadInput("there is no such lock", str(path), "every image keeps its own as lock.json; `invoke image --json` names it")
    return load(PackageLock, path)


def mismatch(lock: PackageLock, kind: str, suite: str, architecture: str, names: Iterable[str]) -> str:
    """Why a lock is not one for this image, in one sentence; empty when it is. Pure."""
    for what, wanted, found in (
        ("image", kind, lock.kind),
        ("suite", suite, lock.suite),
        ("architecture", architecture, lock.architecture),
    ):
        if wanted != found:
            return f"the lock is for the {what} {found}, not for {wanted}"
    for package in lock.packages:
        if package.architecture not in (architecture, "all"):
            return f"the lock names {package.name} for {package.architecture}, not for {architecture}"
    asked = set(names)
    if asked != set(lock.asked):
        lacks, more = sorted(asked - set(lock.asked)), sorted(set(lock.asked) - asked)
        parts = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has {', '.join(more)} that no list names any more"] * bool(more)
        return f"the lock {' and '.join(parts)}"
    return ""


def differences(old: Sequence[LockedPackage], new: Sequence[LockedPackage], security: Iterable[str] = ()) -> tuple[Change, ...]:
    """What changes from one lock to the next, security updates first, then by name. Pure.

    security: names whose new version comes from the security archive.
    """
    before, after = {p.name: p for p in old}, {p.name: p for p in new}
    urgent = set(security)
    found = [
        Change(
            name=name,
            old=before[name].version if name in before else None,
            new=after[name].version if name in after else None,
            security=name in urgent and name in after,
        )
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    ]
    return tuple(sorted(found, key=lambda change: (not change.security, change.name)))


def named(items: Sequence[object], most: int = 8) -> str:
    """A list for a sentence: the first few, then how many more. Pure."""
    shown = ", ".join(str(item) for item in items[:most])
    return shown + (f" and {len(items) - most} more" if len(items) > most else "")

"""The local cache of .debs: what of a lock is there, what is missing, and what is not what the lock says.

A file counts only after its sha256 was compared with the lock's: its name proves nothing. What was fetched comes in whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vm.artefact import Record
from vm.errors import BadInput
from vm.image.lock import LockedPackage, named


class Faults(Record):
    """What stands between a lock and a build from the cache."""

    missing: tuple[LockedPackage, ...]
    wrong: tuple[LockedPackage, ...]


def sha256(path: Path) -> str:
    """Sha256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def faults(packages: Iterable[LockedPackage], cache: Path) -> Faults:
    """Compare the cache with a lock."""
    missing, wrong = [], []
    for package in packages:
        path = cache / package.file_name
        if not path.is_file():
            missing.append(package)
        elif sha256(path) != package.sha256:
            wrong.append(package)
    return Faults(missing=tuple(missing), wrong=tuple(wrong))


def take(packages: Iterable[LockedPackage], landing: Path, cache: Path) -> tuple[LockedPackage, ...]:
    """Take what was fetched whole into the cache and throw the rest of landing away; returns the packages that are still to be fetched."""
    missing = []
    for package in packages:
        path = landing / package.file_name
        if path.is_file() and sha256(path) == package.sha256:
            os.rename(path, cache / package.file_name)
        elif not (cache / package.file_name).exists():
            missing.append(package)
    for rest in landing.iterdir():
        rest.unlink()
    return tuple(missing)


def refuse(found: Faults, cache: Path) -> None:
    """Raises BadInput, naming them, when a .deb of a lock is missing or is not the one that was locked."""
    if found.wrong:
        raise BadInput(
            f"the sha256 of these packages is not the lock's: {named(found.wrong)}", str(cache),
            "remove these files if they are damaged; if they are not, the lock is not of these packages",
        )  # fmt: skip
    if found.missing:
        raise BadInput(
            f"these packages of the lock are not in the cache: {named(found.missing)}", str(cache),
            "copy the .debs there, or build from the mirror without --locked",
        )  # fmt: skip


def newest_member(path: Path) -> int:
    """When a .deb was built, in seconds since 1970: the time in the head of its first ar member (ar(5), deb(5))."""
    with path.open("rb") as stream:
        head = stream.read(8 + 60)
    return int(head[8 + 16 : 8 + 28])


def epoch(packages: Iterable[LockedPackage], cache: Path) -> int:
    """The clock of a build: when the youngest of its packages was built. The same packages, the same clock."""
    return max(newest_member(cache / package.file_name) for package in packages)


def link(packages: Sequence[LockedPackage], cache: Path, target: Path) -> None:
    """Give a build the .debs of its lock and no others, by hard links where the file system has them."""
    for package in packages:
        source = cache / package.file_name
        try:
            os.link(source, target / package.file_name)
        except OSError:
            (target / package.file_name).write_bytes(source.read_bytes())
        (target / package.file_name).chmod(0o644)  # APT reads it as a user of its own

"""Move a reference lock forward to the mirror's present state, and say what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vm.artefact import Record
from vm.image import build, lock, supply
from vm.image.packages import packages
from vm.image.supply import STORE, Store


class Movement(Record):
    """What moving one reference lock changes; written: whether the file was."""

    version: int = 1
    kind: str
    path: Path
    packages: int
    changes: tuple[lock.Change, ...]
    written: bool


def move(kind: str, data: Path, *, dry_run: bool = False, places: Store = STORE, here: Path = build.HERE) -> Movement:
    """Resolve a kind's packages against the mirror; unless dry_run, fetch the .debs and write the lock if it changed.

    Raises BadInput for a wrong kind or list, WatchpostError when the mirror does not answer (the lock stays as it was).
    """
    names = packages(data, kind)
    path = supply.reference_path(kind, here)
    old = lock.read(path) if path.exists() else None
    sources = supply.read_sources(kind)
    with supply.mirror_of(places, sources, kind) as found:
        if dry_run:
            offer = found.resolve(names)
            fresh, security, written = offer.packages, offer.security, False
        else:
            new, security = supply.resolved(kind, names, found, sources)
            fresh, written = new.packages, old != new
            if written:
                lock.save(new, path, 0o644)
    changes = lock.differences(old.packages if old else (), fresh, security)
    return Movement(kind=kind, path=path, packages=len(fresh), changes=changes, written=written)


def moves(kinds: Sequence[str], data: Path, *, dry_run: bool) -> tuple[Movement, ...]:
    """Move several locks, one after the other."""
    return tuple(move(kind, data, dry_run=dry_run) for kind in kinds)


def show(found: Sequence[Movement], console: Console) -> None:
    """Print what changed, security updates first."""
    for one in found:
        urgent = sum(change.security for change in one.changes)
        said = f"{len(one.changes)} of {one.packages} packages change, {urgent} of them for security" if one.changes else "nothing changed"
        console.print(f"{one.kind}: {said}{'; ' + str(one.path) + ' written' if one.written else ''}", soft_wrap=True)
        if one.changes:
            table = Table("", "package", "was", "is", box=None, pad_edge=False)
            for change in one.changes:
                table.add_row("security" if change.security else "", change.name, change.old or "(not there)", change.new or "(gone)")
            console.print(table)

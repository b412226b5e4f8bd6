"""Which lock a build goes by, and its .debs: the lock asked for, the reference lock of the project, or the mirror's present state.

A reference lock whose packages are no longer to be had is said so and passed over: it must never stop a build.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from vm.artefact import Record
from vm.errors import BadInput, WatchpostError
from vm.image import debs, lock, mirror
from vm.image.hold import held
from vm.image.lock import LockedPackage, PackageLock
from vm.image.packages import STABLE, suite
from vm.lab import RELEASES
from vm.progress import note

TESTING = RELEASES[-1]

class Store(Record):
    """Directories that builds share: finished images, .debs, APT's lists."""

    images: Path
    debs: Path
    apt: Path


def store(root: Path) -> Store:
    """The store below a directory."""
    return Store(images=root / "images", debs=root / "debs", apt=root / "apt")


CACHE_VARIABLE = "WATCHPOST_IMAGES"
"""Names another directory for images, with .debs and lists in it, for measurements from nothing."""


def default_store(environment: Mapping[str, str]) -> Store:
    """Where builds keep things unless told otherwise. Pure."""
    other = environment.get(CACHE_VARIABLE)
    return Store(images=Path(other), debs=Path(other) / "debs", apt=Path(other) / "apt") if other else store(Path("/var/cache/watchpost"))


STORE = default_store(os.environ)


def sources_sha256(sources: str) -> str:
    """How a lock names the guest's sources.list without containing it."""
    return hashlib.sha256(sources.encode()).hexdigest()


def read_sources(kind: str) -> str:
    """The guest's sources.list, from mmdebstrap. Of testing its main archive alone: the Release file of its updates may have expired for weeks."""
    with tempfile.TemporaryDirectory(prefix="watchpost-sources-") as scratch:
        text = mirror.default_sources(suite(kind), Path(scratch))
    return "".join(line for line in text.splitlines(keepends=True) if f" {TESTING}-" not in line)


def reference_path(kind: str, here: Path) -> Path:
    """Where the project keeps its lock of a kind."""
    return here / "locks" / f"{kind}.json"


@contextmanager
def mirror_of(places: Store, sources: str, kind: str) -> Iterator[mirror.Mirror]:
    """The mirror of a kind's release, with the cache of .debs held for one command at a time. Each release has lists of its own."""
    release = suite(kind)
    root = places.apt if release == STABLE else places.apt.with_name(f"{places.apt.name}-{release}")
    with held(places.apt.with_name("debs.lock"), "the cache of packages"):
        yield mirror.Mirror(root, places.debs, sources, mirror.architecture())


def complete(packages: Sequence[LockedPackage], found: mirror.Mirror) -> bool:
    """Bring the cache up to these packages; damaged files are fetched again. False when the mirror lacks one of them."""
    present = debs.faults(packages, found.archives)
    for package in present.wrong:
        note(f"{package.file_name} in the cache is damaged; it is fetched again")
        (found.archives / package.file_name).unlink()
    wanted = [*present.missing, *present.wrong]
    return not wanted or (found.fetch(wanted) and not any(debs.faults(wanted, found.archives).model_dump().values()))


def locked(asked: PackageLock, kind: str, names: Sequence[str], places: Store, sources: str) -> PackageLock:
    """The lock that the user asked for, once everything about it is right. Asks no network.

    Raises BadInput for another kind, suite, architecture or list of packages, and for .debs that are missing or wrong.
    """
    why = lock.mismatch(asked, kind, suite(kind), mirror.architecture(), names)
    if why:
        raise BadInput(why, "--locked", "use a lock of this image, or leave --locked out")
    if sources_sha256(sources) != asked.sources_sha256:
        raise BadInput(
            "this mmdebstrap gives a guest another sources.list than the lock was made with, so the bits would differ", "--locked",
            "use the mmdebstrap of the release that the lock was made on, or leave --locked out",
        )  # fmt: skip
    debs.refuse(debs.faults(asked.packages, places.debs), places.debs)
    return asked


def resolved(kind: str, names: Sequence[str], found: mirror.Mirror, sources: str) -> tuple[PackageLock, tuple[str, ...]]:
    """A new lock from the mirror's present state, its .debs fetched; and the names of packages that come for security."""
    offer = found.resolve(names)
    if not complete(offer.packages, found):
        raise WatchpostError("the mirror does not serve what its own lists name", str(found.archives), "try again in a few minutes")
    return (
        PackageLock(
            kind=kind, suite=suite(kind), architecture=mirror.architecture(), source_date_epoch=debs.epoch(offer.packages, found.archives),
            sources_sha256=sources_sha256(sources), asked=tuple(names), required=offer.required, packages=offer.packages,
        ),
        offer.security,
    )  # fmt: skip


def supply(kind: str, names: Sequence[str], places: Store, sources: str, here: Path) -> PackageLock:
    """The lock of an ordinary build: the reference lock if it can still be had, otherwise the mirror's present state.

    Says in one sentence what moved in the latter case. Raises WatchpostError when neither is to be had.
    """
    path = reference_path(kind, here)
    reference = lock.read(path) if path.exists() else None
    with mirror_of(places, sources, kind) as found:
        why = "there is no reference lock"
        if reference is not None:
            why = lock.mismatch(reference, kind, suite(kind), mirror.architecture(), names)
            if not why and complete(reference.packages, found):
                digest = sources_sha256(sources)
                if digest != reference.sources_sha256:
                    note(f"image {kind}: packages as locked, but this mmdebstrap gives a guest another sources.list")
                return reference.model_copy(update={"sources_sha256": digest})
        fresh, security = resolved(kind, names, found, sources)
    if reference is not None and not why:
        moved = lock.differences(reference.packages, fresh.packages, security)
        why = f"the mirror moved on: {lock.named(moved)}"
    note(f"image {kind}: {why}; built from the mirror as it is now (`invoke image.lock --kind {kind}` moves the reference lock)")
    return fresh

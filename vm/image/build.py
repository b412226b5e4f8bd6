"""Images of machines, cached: packages of a lock, our files over them, for the VM a bootable disk.

Owns the cache of images and the order of the stages. Does not own which lock is used (supply.py), how packages are
installed (base.py), what comes over them (assemble.py, hooks/, files/) nor the disk (disk.py).
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from vm import artefact
from vm.errors import BadInput, WatchpostError
from vm.image import assemble, base, lock, prune, sandbox, supply
from vm.image.hold import held
from vm.image.lock import PackageLock
from vm.image.packages import KINDS, packages, suite
from vm.image.supply import CACHE_VARIABLE, STORE, Store

__all__ = ["CACHE_VARIABLE", "Image", "cached", "find_or_build"]
HERE = Path(__file__).resolve().parent
FORMAT = 2
"""Raised when the way of building changes so that cached images must not be used any more."""


class Image(artefact.Record):
    """A finished image in the cache. origin: which lock it was built from; lock_digest: of that lock.

    The digest is of the recipe: images of one recipe differ when the mirror was asked on two days. Recipe and lock
    together determine the bits.
    """

    version: int = 2
    kind: str
    digest: str
    directory: Path
    seconds: float
    packages: int
    origin: Literal["reference", "mirror", "locked"] = "mirror"
    lock_digest: str = ""
    packages_cached: bool = False

    @property
    def tree(self) -> Path:
        """The root file system, unpacked; machines see it read-only through an overlay."""
        return self.directory / "tree"

    @property
    def disk(self) -> Path:
        """The raw bootable disk (of a VM's kind only)."""
        return self.directory / "disk.raw"

    @property
    def lock(self) -> Path:
        """The lock it was built from."""
        return self.directory / "lock.json"

    @property
    def kernel(self) -> Path:
        """The kernel inside the tree (of a VM's kind only)."""
        return (self.tree / "vmlinuz").resolve()


def recipe_digest(kind: str, names: Sequence[str], asked: PackageLock | None = None, here: Path = HERE) -> str:
    """What an image is made from: packages by name, the lock, hooks, files, the way of building."""
    others = {supply.reference_path(other, here) for other in KINDS if other != kind or asked is not None}
    sources = [path for path in here.rglob("*") if path.is_file() and "__pycache__" not in path.parts and path not in others]
    wanted = asked.model_dump(mode="json") if asked else None
    return artefact.digest([FORMAT, kind, suite(kind), list(names), wanted, artefact.digest_files(sources, here)])


def directories(images: Path, kind: str, digest: str) -> list[Path]:
    """All finished images of one digest, oldest first: building again makes another beside it, as the first may be in use."""
    first = images / f"{kind}-{digest[:16]}"
    again = sorted(images.glob(f"{first.name}.*"), key=lambda path: int(path.suffix[1:]))
    return [path for path in (first, *again) if (path / "image.json").is_file()]


def cached(kind: str, data: Path, *, places: Store = STORE, asked: PackageLock | None = None, here: Path = HERE) -> Image | None:
    """The image of a kind if it is built and up to date; builds nothing."""
    digest = recipe_digest(kind, packages(data, kind), asked, here)
    found = directories(places.images, kind, digest)
    return artefact.load(Image, found[-1] / "image.json") if found else None


def find_or_build(
    kind: str, data: Path, *, places: Store = STORE, rebuild: bool = False, asked: PackageLock | None = None, here: Path = HERE,
    clock_days: int = 0,
) -> tuple[Image, bool]:  # fmt: skip
    """The image of a kind, from the cache when nothing it is made from has changed; and whether it was cached.

    data: the folder of the Hiera data. asked: the lock to build from, with no network. clock_days: see assemble.Plan.
    Raises BadInput for a wrong kind, list or lock, WatchpostError when the build fails; what was cached before stays.
    """
    names = packages(data, kind)
    places.images.mkdir(parents=True, exist_ok=True)
    with held(places.images / f"{kind}.lock", f"the image {kind}"):
        places.images.chmod(0o711)
        found = None if rebuild else cached(kind, data, places=places, asked=asked, here=here)
        if found is not None:
            os.utime(found.directory / "image.json")  # used now: pruning goes by it
            return found, True
        began = time.monotonic()
        sources = supply.read_sources(kind)
        if asked:
            wanted = supply.locked(asked, kind, names, places, sources)
        else:
            with told(kind, places.debs.parent):
                wanted = supply.supply(kind, names, places, sources, here)
        for rest in [*places.images.glob(f".{kind}-*"), *(places.images / "packages").glob(f".{kind}-*")]:
            shutil.rmtree(rest)  # a build that was killed; the lock says that nobody is at it now
        ground, known = package_stage(wanted, places, here)
        digest = recipe_digest(kind, names, asked, here)
        with workplace(places.images, f"{kind}-{digest[:16]}", kind) as work:
            plan = assemble.Plan(
                base=ground, work=work, here=here, sources=sources, epoch=wanted.source_date_epoch, boots="vm" in KINDS[kind], clock_days=clock_days,
            )  # fmt: skip
            artefact.save(plan, work / "plan.json")
            sandbox.run_offline([sys.executable, "-m", "vm.image.assemble", work / "plan.json"], sandbox.environment(plan.epoch, work))
            (work / "plan.json").unlink()
            lock.save(wanted, work / "lock.json", 0o644)
            target = vacant(places.images / f"{kind}-{digest[:16]}")
            image = Image(
                kind=kind, digest=digest, directory=target, seconds=round(time.monotonic() - began, 1), packages=len(wanted.packages),
                lock_digest=artefact.digest(wanted.model_dump(mode="json")), origin="locked" if asked else origin(wanted, kind, here), packages_cached=known,
            )  # fmt: skip
            artefact.save(image, work / "image.json")
            os.rename(work, target)
        prune.prune(target, ground.parent)
        return image, False


def origin(used: PackageLock, kind: str, here: Path) -> Literal["reference", "mirror"]:
    """Whether a lock is the project's own."""
    path = supply.reference_path(kind, here)
    return "reference" if path.exists() and lock.read(path).packages == used.packages else "mirror"


def vacant(wanted: Path) -> Path:
    """The first free name for a directory: itself, then with .2, .3, …"""
    number = 1
    while (found := wanted if number == 1 else wanted.with_name(f"{wanted.name}.{number}")).exists():
        number += 1
    return found


def package_stage(wanted: PackageLock, places: Store, here: Path) -> tuple[Path, bool]:
    """The tree of a lock's packages, built unless it is there already; and whether it was."""
    name = f"{wanted.kind}-{base.digest(wanted, here)[:16]}"
    shelf = places.images / "packages"
    shelf.mkdir(exist_ok=True)
    shelf.chmod(0o711)
    if (shelf / name / "image.json").is_file():
        os.utime(shelf / name / "image.json")
        return shelf / name / "tree", True
    if (shelf / name).exists():  # pruning was cut short
        shutil.rmtree(shelf / name)
    with workplace(shelf, name, wanted.kind) as work:
        base.build(wanted, places.debs, work, here)
        lock.save(wanted, work / "image.json", 0o644)
        os.rename(work, shelf / name)
    return shelf / name / "tree", False


def show(image: Image, known: bool) -> str:
    """What to tell the user about an image."""
    how = "cached" if known else f"built in {image.seconds:.0f} s from " + {"reference": "the reference lock", "mirror": "the mirror", "locked": "the lock given"}[image.origin]
    return f"{image.directory}: {image.packages} packages, {how}{', packages cached' if image.packages_cached and not known else ''}"


@contextmanager
def workplace(parent: Path, name: str, kind: str) -> Iterator[Path]:
    """A directory to build in, gone if the build fails; failures are told as the user needs to hear them."""
    work = parent / f".{name}"
    work.mkdir()
    work.chmod(0o711)
    try:
        with told(kind, parent):  # inside, as it says how much was free before the work was removed
            yield work
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def told(kind: str, place: Path) -> Iterator[None]:
    """Failures in here are told as the user needs to hear them."""
    try:
        yield
    except BadInput:
        raise
    except (WatchpostError, OSError) as error:
        raise explained(error, kind, place, shutil.disk_usage(place).free // 2**20) from error


def explained(error: WatchpostError | OSError, kind: str, place: Path, free_mib: int) -> WatchpostError:
    """A failed build as a sentence. Pure."""
    what = error.what if isinstance(error, WatchpostError) else str(error)
    if free_mib < 64 or "No space left" in what or "disk is full" in what:
        return WatchpostError(
            f"the image {kind} could not be built: the disk is full ({free_mib} MiB free)", str(place),
            "make enough disk free there, 4 GiB; nothing that was built before is lost, and the same command starts again",
        )  # fmt: skip
    todo = error.todo if isinstance(error, WatchpostError) else ""
    return WatchpostError(f"the image {kind} could not be built: {what}", str(place), todo or "the same command starts again")

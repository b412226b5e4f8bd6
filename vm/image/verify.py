"""Build an image twice, with everything different that must not matter, and compare the bits.

The second build goes by the first one's lock, without a network, from another directory, with another umask, time zone
and language, later, and with tools that believe it is more than a year later. What differs is named, file by file.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vm import artefact
from vm.command import run
from vm.errors import WatchpostError
from vm.image import assemble, build, debs, differing, lock, sandbox
from vm.image.hold import held
from vm.image.supply import STORE, Store
from vm.progress import note

DAYS = 400


class Surroundings(artefact.Record):
    """What one of the builds sees. umask in octal."""

    directory: str
    umask: str
    tz: str
    lc_all: str
    clock_days: int


class Verification(artefact.Record):
    """Both builds of one kind; sha256 is of the raw disk, or of the tree's tar for a kind that has no disk."""

    version: int = 1
    kind: str
    packages: int
    compared: str
    sha256: tuple[str, str]
    seconds: tuple[float, float]
    surroundings: tuple[Surroundings, Surroundings]
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the bits are the same."""
        return self.sha256[0] == self.sha256[1]


class Job(artefact.Record):
    """One build in a process of its own, with surroundings of its own."""

    kind: str
    data: Path
    places: Store
    here: Path
    lock: Path | None
    surroundings: Surroundings
    result: Path


def surroundings(parent: Path) -> tuple[Surroundings, Surroundings]:
    """The two ways; neither is the way the user happens to have. Pure."""
    return (
        Surroundings(directory=str(parent / "first"), umask="022", tz="UTC", lc_all="C.UTF-8", clock_days=0),
        Surroundings(
            directory=str(parent / "another-place-with-a-longer-name"), umask="077", tz="Pacific/Kiritimati", lc_all="tr_TR.UTF-8", clock_days=DAYS
        ),
    )  # fmt: skip


def build_in(job: Job, scratch: Path) -> build.Image:
    """Run a job as a process of its own. Raises WatchpostError when its build fails."""
    directory = Path(job.surroundings.directory)
    directory.mkdir(exist_ok=True)
    plan = scratch / "job.json"
    artefact.save(job, plan)
    env = {"TZ": job.surroundings.tz, "LC_ALL": job.surroundings.lc_all, "PYTHONPATH": str(sandbox.CHECKOUT)}
    run([sys.executable, "-m", "vm.image.verify", plan], env=env, cwd=directory, timeout_s=3600)
    return artefact.load(build.Image, job.result)


def bits(image: build.Image, epoch: int) -> tuple[str, str]:
    """What of an image is compared, and its sha256 (hex)."""
    if image.disk.exists():
        return "raw disk", debs.sha256(image.disk)
    packed = image.directory / "verify.tar"
    run(assemble.tar_argv(image.tree, packed, epoch), timeout_s=600)
    found = debs.sha256(packed)
    packed.unlink()
    return "tar of the tree", found


def show(found: Verification) -> str:
    """What to tell the user."""
    both = " and ".join(f"{seconds:.0f} s" for seconds in found.seconds)
    head = f"{found.kind}: {found.packages} packages, {found.compared}, built in {both}"
    if found.same:
        return f"{head}: the same bits, sha256 {found.sha256[0]}"
    return "\n".join([f"{head}: DIFFERENT, {found.sha256[0]} and {found.sha256[1]}", *(f"  {line}" for line in found.differences)])


@contextmanager
def scratch_directory(places: Store, name: str) -> Iterator[Path]:
    """A directory for whole builds beside the cached images, used by one command at a time and gone afterwards."""
    path = places.images / name
    with held(places.images / f"{name.lstrip('.')}.lock", f"building in {path}"):
        shutil.rmtree(path, ignore_errors=True)  # of a command that was killed
        path.mkdir()
        path.chmod(0o711)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def verify(kind: str, data: Path, *, places: Store = STORE, here: Path = build.HERE) -> Verification:
    """Build a kind twice and compare. Uses the cache of .debs, and leaves the cache of images alone.

    Raises WatchpostError when a build fails or libfaketime is not installed.
    """
    if not (assemble.FAKETIME / "libfaketime.so.1").exists():
        raise WatchpostError("libfaketime is not installed", str(assemble.FAKETIME), "run ./bootstrap, which installs what is missing")
    with scratch_directory(places, ".verify") as scratch:
        ways = surroundings(scratch)
        images: list[build.Image] = []
        for way in ways:
            own = Store(images=Path(way.directory) / "images", debs=places.debs, apt=places.apt)
            job = Job(kind=kind, data=data.resolve(), places=own, here=here, lock=images[0].lock if images else None, surroundings=way,
                      result=scratch / "result.json")  # fmt: skip
            images.append(build_in(job, scratch))
            note(f"{'second' if images[1:] else 'first'} build of {kind}: {images[-1].seconds:.0f} s")
        first, second = images
        epoch = lock.read(first.lock).source_date_epoch
        (compared, one), (_, other) = bits(first, epoch), bits(second, epoch)
        return Verification(
            kind=kind, packages=first.packages, compared=compared, sha256=(one, other), seconds=(first.seconds, second.seconds), surroundings=ways,
            differences=() if one == other else differing.explain(first, second, epoch),
        )  # fmt: skip


def main(plan: Path) -> None:
    """One build, in this process's surroundings."""
    job = artefact.load(Job, plan)
    os.umask(int(job.surroundings.umask, 8))
    for directory in (Path(job.surroundings.directory), job.places.images):
        directory.mkdir(exist_ok=True)
        directory.chmod(0o711)
    asked = lock.read(job.lock) if job.lock else None
    image, _ = build.find_or_build(job.kind, job.data, places=job.places, asked=asked, here=job.here, clock_days=job.surroundings.clock_days)
    artefact.save(image, job.result)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

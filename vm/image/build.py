"""Build an image with mmdebstrap: a tar of the root file system, the same as a tree, for the VM a bootable disk.

Owns the cache of images and its lock. Does not own what is inside (packages.py, hooks/, files/) nor the disk (disk.py).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vm import artefact
from vm.command import run
from vm.errors import WatchpostError
from vm.image import disk
from vm.image.packages import KINDS, packages

SUITE = "trixie"
HERE = Path(__file__).resolve().parent
CACHE_VARIABLE = "WATCHPOST_IMAGES"
"""Names another directory for images, for measurements from nothing."""
CACHE = Path(os.environ.get(CACHE_VARIABLE, "/var/cache/watchpost/images"))
FORMAT = 1
"""Raised when the way of building changes so that cached images must not be used any more."""


class Image(artefact.Record):
    """A finished image in the cache."""

    version: int = 1
    kind: str
    digest: str
    directory: Path
    seconds: float
    packages: int

    @property
    def tree(self) -> Path:
        """The root file system, unpacked; machines see it read-only through an overlay."""
        return self.directory / "tree"

    @property
    def disk(self) -> Path:
        """The raw bootable disk (of a VM's kind only)."""
        return self.directory / "disk.raw"

    @property
    def kernel(self) -> Path:
        """The kernel inside the tree (of a VM's kind only)."""
        return (self.tree / "vmlinuz").resolve()


def recipe_digest(kind: str, names: Sequence[str]) -> str:
    """What an image is made from: packages by name, hooks, files, the way of building."""
    sources = [path for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return artefact.digest([FORMAT, kind, SUITE, list(names), artefact.digest_files(sources, HERE)])


def mmdebstrap_argv(names: Sequence[str], target: Path) -> list[str]:
    """The command that makes the root file system; the mirror is mmdebstrap's own default."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--components=main",
        f"--include={','.join(names)}",
        f"--essential-hook={HERE / 'hooks' / 'essential'}",
        f"--customize-hook={HERE / 'hooks' / 'customize'}",
        SUITE,
        str(target),
    ]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file while one build runs; a second build of the same image waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def find_or_build(kind: str, data: Path, *, cache: Path = CACHE, rebuild: bool = False) -> tuple[Image, bool]:
    """The image of a kind, from the cache when nothing it is made from has changed; and whether it was cached.

    data: the folder of the Hiera data. Raises BadInput for a wrong kind or list, WatchpostError when the build fails.
    """
    names = packages(data, kind)
    digest = recipe_digest(kind, names)
    directory = cache / f"{kind}-{digest[:16]}"
    record = directory / "image.json"
    with held(cache / f"{kind}.lock"):
        cache.chmod(0o711)
        if record.exists() and not rebuild:
            return artefact.load(Image, record), True
        if directory.exists():
            shutil.rmtree(directory)
        for rest in cache.glob(f".{kind}-*"):  # a build that was killed; the lock says that nobody is at it now
            shutil.rmtree(rest)
        began = time.monotonic()
        work = cache / f".{kind}-{digest[:16]}"
        work.mkdir(mode=0o711)
        make(kind, names, work)
        status = (work / "tree/var/lib/dpkg/status").read_text()
        image = Image(
            kind=kind,
            digest=digest,
            directory=directory,
            seconds=round(time.monotonic() - began, 1),
            packages=status.count("\nStatus: install ok installed"),
        )
        artefact.save(image, work / "image.json")
        os.rename(work, directory)
        return image, False


def make(kind: str, names: Sequence[str], work: Path) -> None:
    """Fill work with the tree and, where the kind boots as a VM, the disk."""
    boots = "vm" in KINDS[kind]
    epoch = {"SOURCE_DATE_EPOCH": str(int(time.time()) // 86400 * 86400), "TMPDIR": str(work)}
    root = work / ("root.tar" if boots else "tree")
    try:
        run(mmdebstrap_argv(names, root), env=epoch, timeout_s=1800)
    except WatchpostError as error:
        room = shutil.disk_usage(work).free // 2**20
        raise WatchpostError(
            f"the image {kind} could not be built; {error.what}",
            f"mmdebstrap, {room} MiB free in its directory",
            "does `apt-get update` work here, and is there enough disk? `invoke doctor` tells",
        ) from error
    if boots:
        (work / "tree").mkdir()
        run(["tar", "-C", work / "tree", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xf", root])
        disk.write(root, work / "tree", work / "disk.raw", epoch)
        root.unlink()

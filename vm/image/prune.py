"""Old images: which may go. Never one that a machine uses: a tree is the lower layer of a container, a disk the ground of a VM's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from vm.lab import STATE

HEAD_BYTES = 65536
"""A qcow2 disk names its backing file in its first cluster."""


def named_in(directory: Path, texts: Iterable[bytes]) -> bool:
    """Whether one of the texts names a file below a directory. Pure."""
    needle = f"{directory}/".encode()
    return any(needle in text for text in texts)


def witnesses(proc: Path = Path("/proc"), state: Path = STATE) -> list[bytes]:
    """What tells of images in use: mounts of every mount namespace, starting plans of containers, heads of VM disks."""
    texts = []
    paths = [*proc.glob("[0-9]*/mountinfo"), *state.glob("labs/*/machines/*/start.json"), *state.glob("labs/*/machines/*/*.qcow2")]
    for path in paths:
        try:
            with path.open("rb") as stream:
                texts.append(stream.read() if path.name == "mountinfo" else stream.read(HEAD_BYTES))
        except OSError:  # a process that ended meanwhile
            continue
    return texts


def superfluous(directories: Iterable[Path], keep: int, texts: Iterable[bytes]) -> list[Path]:
    """Which of the finished images may go: all but the newest used, and none that is in use."""
    known = list(texts)
    by_use = sorted(directories, key=lambda path: (path / "image.json").stat().st_mtime, reverse=True)
    return [path for path in by_use[keep:] if not named_in(path, known)]


def prune(current: Path, ground: Path, keep: int = 3) -> list[Path]:
    """Remove what a kind has too much of besides the image just built and its package stage; returns what went.

    keep: how many others of the kind stay, whether used or not. The caller holds the kind's lock.
    """
    kind = current.name.partition("-")[0]
    gone = []
    for one, most, texts in ((current, keep, witnesses()), (ground, 1, [])):
        others = [path for path in one.parent.glob(f"{kind}-*") if path != one and (path / "image.json").is_file()]
        gone += superfluous(others, most, texts)
    for path in gone:
        (path / "image.json").unlink()  # from here on it is no image, even if this is cut short
        shutil.rmtree(path)
    return gone

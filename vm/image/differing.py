"""What differs between two builds, for the user: the files by name, and a look into the first of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from vm.command import run
from vm.errors import WatchpostError
from vm.image import tree_diff
from vm.image.build import Image
from vm.progress import note

MOST_LINES = 60


def first_difference(one: Path, other: Path) -> str:
    """Where two disks begin to differ, in bytes from their start."""
    offset = 0
    with one.open("rb") as left, other.open("rb") as right:
        while (a := left.read(2**20)) == (b := right.read(2**20)) and a:
            offset += len(a)
    offset += next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return f"the trees are the same, the disks differ from byte {offset} on"


def explain(first: Image, second: Image, epoch: int) -> tuple[str, ...]:
    """Name what differs; what diffoscope (where it is installed) makes of the first file with another content goes to the user too."""
    found = tree_diff.compare(first.tree, second.tree, epoch)
    if not found and first.disk.exists():
        return (first_difference(first.disk, second.disk),)
    pair = next(contents(found, first.tree, second.tree), None)
    if pair and shutil.which("diffoscope"):
        note(look_into(*pair))
    return found


def contents(found: Sequence[str], first: Path, second: Path) -> Iterator[tuple[Path, Path]]:
    """Both versions of each plain file whose content differs; a link of the image would be followed on this host."""
    for line in found:
        name, _, facts = line.rpartition(": ")
        one, other = first / name.lstrip("/"), second / name.lstrip("/")
        if "content" in facts.split(", ") and all(path.is_file() and not path.is_symlink() for path in (one, other)):
            yield one, other


def look_into(one: Path, other: Path) -> str:
    """What diffoscope makes of two files, as far as it fits on a screen: its own limits let a large block through whole.

    That it fails or takes too long is no reason to keep the names of what differs from the user.
    """
    try:
        done = run(["diffoscope", one, other], timeout_s=300, check=False)
    except WatchpostError as error:
        return error.what
    if done.returncode != 1:
        return f"diffoscope ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}"
    lines = done.stdout.splitlines()
    return "\n".join([*lines[:MOST_LINES], *[f"… and {len(lines) - MOST_LINES} more lines"] * (len(lines) > MOST_LINES)])

"""Our changes over a shared package stage: an overlay's upper layer, made into a tree that machines can use alone.

The tree shares unchanged files with the package stage by hard links, which takes a second instead of a copy of a
gigabyte. Nothing ever writes into either: machines see a tree through an overlay of their own.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vm.command import run


@contextmanager
def overlay(base: Path, work: Path) -> Iterator[tuple[Path, Path]]:
    """Mount a writable view of base; yields the upper layer and the view.

    Wants a mount namespace of its own, with which the mounts go when the build fails.
    """
    upper, scratch, view = work / "upper", work / "overlay", work / "view"
    for directory in (upper, scratch, view):
        directory.mkdir()
    shutil.copystat(base, upper)
    options = f"lowerdir={base},upperdir={upper},workdir={scratch},metacopy=off,redirect_dir=off,index=off"
    run(["mount", "-t", "overlay", "overlay", "-o", options, view])
    yield upper, view
    run(["umount", view])
    for directory in (upper, scratch, view):
        shutil.rmtree(directory)


def is_whiteout(path: Path) -> bool:
    """Whether an entry of an upper layer says that the file is gone (kernel's overlayfs.rst)."""
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(directory: Path) -> bool:
    """Whether a directory of an upper layer hides everything below it."""
    try:
        return os.getxattr(directory, "trusted.overlay.opaque") == b"y"
    except OSError:
        return False


def remove(path: Path) -> None:
    """Remove whatever is there; a hard link's other names stay as they are."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """Copy one file or link with owner, mode, times and extended attributes."""
    shutil.copy2(source, target, follow_symlinks=False)
    found = source.lstat()
    os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not target.is_symlink():
        os.chmod(target, stat.S_IMODE(found.st_mode))  # chown takes set-user-id bits away


def apply(upper: Path, view: Path, tree: Path) -> int:
    """Bring the changes of an upper layer into tree; their content is read from the view. Returns how many there were."""
    changes = 0
    for name, directories, files in os.walk(upper):
        below = Path(name).relative_to(upper)
        for entry in files:
            changes += 1
            remove(tree / below / entry)
            if not is_whiteout(Path(name) / entry):
                copy(view / below / entry, tree / below / entry)
        for entry in directories:
            target = tree / below / entry
            if (Path(name) / entry).is_symlink():  # os.walk counts a link to a directory among directories
                changes += 1
                remove(target)
                copy(view / below / entry, target)
                continue
            if is_opaque(Path(name) / entry) or not target.is_dir() or target.is_symlink():
                remove(target)
                target.mkdir()
    for name, _, _ in os.walk(upper, topdown=False):  # times last: filling a directory changes its own
        below = Path(name).relative_to(upper)
        found = (view / below).stat()
        os.chown(tree / below, found.st_uid, found.st_gid)
        shutil.copystat(view / below, tree / below)
    return changes

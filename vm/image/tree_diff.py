"""Which files differ between two trees, and in what. Times count: an image that differs only in them is not the same."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

Entry = Mapping[str, str]


def entry(path: Path, epoch: int) -> Entry:
    """What a file is: type, mode, owner, content and (as an image stores it, no younger than epoch) time."""
    found = path.lstat()
    facts = {
        "type": stat.filemode(found.st_mode)[0],
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "owner": f"{found.st_uid}:{found.st_gid}",
        "time": str(min(int(found.st_mtime), epoch)),
    }
    if stat.S_ISREG(found.st_mode):
        with path.open("rb") as stream:
            facts["content"] = hashlib.file_digest(stream, "sha256").hexdigest()
    elif stat.S_ISLNK(found.st_mode):
        facts["content"] = os.readlink(path)
    elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        facts["content"] = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    if not stat.S_ISLNK(found.st_mode):
        facts |= {f"attribute {name}": os.getxattr(path, name).hex() for name in os.listxattr(path)}
    return facts


def listing(tree: Path, epoch: int) -> dict[str, Entry]:
    """Every file of a tree by its path from the root."""
    found = {"/": entry(tree, epoch)}
    for name, directories, files in os.walk(tree):
        for one in (*directories, *files):
            path = Path(name) / one
            found[f"/{path.relative_to(tree)}"] = entry(path, epoch)
    return found


def differences(first: Mapping[str, Entry], second: Mapping[str, Entry]) -> tuple[str, ...]:
    """One line for each file that differs: its path and in what. Pure."""
    lines = []
    for path in sorted(first.keys() | second.keys()):
        if path not in first or path not in second:
            lines.append(f"{path}: only in the {'first' if path in first else 'second'}")
        elif first[path] != second[path]:
            facts = sorted(first[path].keys() | second[path].keys())
            lines.append(f"{path}: {', '.join(fact for fact in facts if first[path].get(fact) != second[path].get(fact))}")
    return tuple(lines)


def compare(first: Path, second: Path, epoch: int) -> tuple[str, ...]:
    """The files that differ between two trees; epoch in seconds since 1970."""
    return differences(listing(first, epoch), listing(second, epoch))

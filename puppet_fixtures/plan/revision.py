"""Revisions of the checkout: which is meant, and the control repository as it has it. Reads the repository and writes nothing into it."""

from __future__ import annotations

import re
from pathlib import Path

from vm.artefact import digest_files
from vm.command import Result, run
from vm.errors import BadInput

CONTROL_REPO = "puppet_fixtures"
WORKING_TREE = "the working tree"
MAINS = ("origin/main", "main")
"""Where work begins, the first that exists."""


def base(checkout: Path) -> str:
    """Where the work began: where the branch left main; on main itself HEAD, or HEAD~ while nothing differs from HEAD."""
    head = _ask(checkout, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").stdout
    for main in MAINS:
        forked = _ask(checkout, "merge-base", main, "HEAD").stdout
        if forked not in ("", head):
            return forked.strip()
    changed = _ask(checkout, "status", "--porcelain", "--", CONTROL_REPO).stdout
    return "HEAD" if changed else "HEAD~"


def resolve(checkout: Path, name: str) -> str:
    """The commit that a name means. Raises BadInput when it means none."""
    answer = _ask(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if answer.returncode:
        said = "".join(f": {line}" for line in answer.stderr.splitlines()[:1])
        raise BadInput(
            f"there is no revision {name!r}{said}", str(checkout), "name a commit, a branch or a tag that `git log` shows; a shallow clone has few"
        )
    return answer.stdout.strip()


def shown(name: str) -> str:
    """A revision for people."""
    return name[:12] if re.fullmatch("[0-9a-f]{40,}", name) else name


def tree(checkout: Path, commit: str, directory: Path) -> Path:
    """The control repository of a commit, unpacked into a directory; of the working tree, that itself. Raises BadInput when there is none."""
    if commit == WORKING_TREE:
        return checkout / CONTROL_REPO
    directory.mkdir()
    archive = directory / "archive.tar"
    if _ask(checkout, "archive", "--format=tar", f"--output={archive}", commit, CONTROL_REPO).returncode:
        raise BadInput(f"revision {shown(commit)} has no directory {CONTROL_REPO}", str(checkout), "name a revision that has one")
    run(["tar", "-x", "-f", archive, "-C", directory])
    return directory / CONTROL_REPO


def alike(one: Path, other: Path) -> bool:
    """Whether two control repositories have the same files with the same contents."""
    first, second = (digest_files((path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts), top) for top in (one, other))
    return first == second


def _ask(checkout: Path, *words: str) -> Result:
    """Git's answer about the checkout; a failure is an answer too. No lock is taken, as even `status` would."""
    return run(["git", "--no-optional-locks", "-C", checkout, *words], check=False)

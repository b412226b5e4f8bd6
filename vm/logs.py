"""Where a command's whole story goes: the log of its lab, one beside the labs where there is none, one of their own for who is not root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vm import lab as labs
from vm import progress
from vm.lab import Lab


def of_lab(lab: Lab) -> Path:
    """A lab's log."""
    return lab.directory / "log" / "provision.log"


def places(lab: Lab | None) -> Iterator[Path]:
    """Where the log may be, the best place first."""
    if lab is not None and lab.directory.exists():
        yield of_lab(lab)
    yield labs.STATE / "log" / "watchpost.log"
    with suppress(RuntimeError):  # somebody without a home
        yield Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "watchpost" / "watchpost.log"


def begin(lab: Lab | None) -> Path | None:
    """Log to the first place that takes it; None where none does, which is no reason not to do what was asked."""
    for path in places(lab):
        with suppress(OSError):
            progress.log_to(path)
            return path
    return None


def present() -> Path | None:
    """The log of this command, a new one where its lab was removed meanwhile."""
    return progress.logged_to() or begin(None)

"""One at a time: a lock file that says who holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vm.progress import note


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; who comes second says who is at it, and waits. The kernel lets go when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            note(f"{what} is in the hands of {stream.read().strip() or 'another command'}; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.truncate(0)
        stream.write(f"process {os.getpid()}\n")
        stream.flush()
        yield

"""Loop devices: give a monitor in a container a disk of its own, whose size holds and whose writes are counted. Tried on a small file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vm.command import run
from vm.errors import WatchpostError
from vm.finding import Finding, Question


def probe(question: Question) -> Finding:
    """Attach a file and let go of it."""
    remedy = "load the module loop and run as root; without it --disk does not hold for a container, and what it writes is not counted"
    with tempfile.NamedTemporaryFile() as image:
        Path(image.name).write_bytes(bytes(2**20))
        try:
            device = run(["losetup", "--find", "--show", image.name], timeout_s=20).stdout.strip()
            run(["losetup", "--detach", device], timeout_s=20)
        except WatchpostError as error:
            return Finding(name="loop", level="degraded", detail=f"no loop device: {error.what[:200]}", remedy=remedy)
    return Finding(name="loop", level="OK", detail="a container's disk has its size, and its writes are counted")

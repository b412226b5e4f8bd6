"""TCG, QEMU's software emulation: slow, needs nothing from the host, and is taken where KVM does not boot."""

from __future__ import annotations

import shutil

from vm.command import run
from vm.finding import Finding, Question


def probe(question: Question) -> Finding:
    """Whether QEMU is there and was built with TCG."""
    program = shutil.which(question.qemu)
    if program is None:
        return Finding(
            name="tcg", level="missing", detail=f"{question.qemu} is not installed", remedy="run ./bootstrap"
        )
    known = run([program, "-accel", "help"], timeout_s=20, check=False).stdout.split()
    if "tcg" not in known:
        return Finding(
            name="tcg",
            level="missing",
            detail=f"{program} has no TCG",
            remedy="install Debian's qemu-system-x86",
        )
    return Finding(name="tcg", level="OK", detail="software emulation works; figures of time from it say nothing")

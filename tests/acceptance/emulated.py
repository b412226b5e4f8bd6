"""A disk in an emulated machine, without libvirt and without a lab, from its firmware to a login prompt on ttyS0."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vm.wait import wait_until

DEADLINE_S = 900
"""For a busy host without KVM; a free one needs about a minute."""


def prompts(console: Path) -> int:
    """How many login prompts a console has shown."""
    return console.read_text(errors="replace").count("login: ") if console.exists() else 0


@contextmanager
def booted(disk: Path, scratch: Path, *, how: str, more: Sequence[str] = ()) -> Iterator[Path]:
    """The machine with this disk (how: QEMU's words for it) and more devices; yields the file of what its console says."""
    console, log = scratch / "console.log", scratch / "qemu.log"
    argv = [
        "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "1024",
        "-nodefaults", "-display", "none", "-serial", f"file:{console}", "-drive", f"file={disk},format=raw,if=virtio,{how}", *more,
    ]  # fmt: skip
    with log.open("wb") as stream:
        machine = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:

        def prompt() -> bool:
            assert machine.poll() is None, log.read_text()
            return prompts(console) > 0

        wait_until(prompt, reason="a login prompt on ttyS0", deadline_s=DEADLINE_S, interval_s=1)
        yield console
    finally:
        machine.kill()
        machine.wait()

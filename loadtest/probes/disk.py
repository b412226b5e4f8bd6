"""What lies on the monitor's disk, by owner; read every thirtieth turn, as looking through directories costs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from loadtest.probes import Reading
from loadtest.rig import Rig
from vm.drivers import container

OWNERS = {"database": "var/lib/postgresql", "valkey": "var/lib/valkey", "logs": "var/log", "mail": "var/spool/postfix", "icinga": "var/lib/icinga2"}
TURNS = 30


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """Bytes allocated by owner, as the monitor's own files have them; only where the monitor is a container."""
    if turn % TURNS or container.running(rig.lab, "monitor") is None:
        return
    root = Path(f"/proc/{container.leader_pid(rig.lab, 'monitor')}/root")
    for owner, place in OWNERS.items():
        yield "disk_mib", allocated(root / place) / 2**20, f"owner={owner}"


def allocated(directory: Path) -> int:
    """Bytes that the files below a directory take."""
    total = 0
    for path, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total

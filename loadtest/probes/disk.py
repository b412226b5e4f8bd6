"""What the monitor writes to its disk and what lies on it, by owner; every fifth turn, owners every sixtieth, as looking through directories costs.

written_bytes counts what reached the machine's own disk, the file system's journal included; it is missing where the machine has none of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from loadtest.probes import Reading
from loadtest.rig import Rig
from vm.drivers import container, machine_directory, own_disk

OWNERS = {"database": "var/lib/postgresql", "valkey": "var/lib/valkey", "logs": "var/log", "mail": "var/spool/postfix", "icinga": "var/lib/icinga2"}
TURNS, OWNERS_TURNS = 5, 60


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """Bytes as the monitor's own files have them; only where the monitor is a container."""
    if turn % TURNS:
        return
    state = container.running(rig.lab, "monitor")
    if state is None:
        return
    root = Path(f"/proc/{state.leader.pid}/root")
    written = own_disk.written_bytes(machine_directory(rig.lab, "monitor"))
    if written is not None:
        whole = os.statvfs(root)
        yield "written_bytes", written, ""
        yield "used_mib", (whole.f_blocks - whole.f_bfree) * whole.f_frsize / 2**20, ""
        yield "size_mib", whole.f_blocks * whole.f_frsize / 2**20, ""
    if turn % OWNERS_TURNS:
        return
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

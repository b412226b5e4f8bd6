"""systemd's units: which are enabled, and which run."""

from __future__ import annotations

import json

from provision.rebuild.layers import Source
from provision.rebuild.placeholders import Placeholders
from provision.rebuild.snapshot import Aspect
from provision.ssh import Machine

KINDS = "--type=service,socket,timer,mount,path"
OF_SESSIONS = ("session-", "user@", "user-runtime-dir@", "run-", "sshd@", "tmp-")
"""Units of who looks, and of places that come and go."""


def read(source: Source) -> Aspect:
    """State of the unit file, and of the unit as long as no timer decides when it runs."""
    return read_machine(source.machine, source.placeholders)


def read_machine(machine: Machine, placeholders: Placeholders) -> Aspect:
    """The same of any machine."""
    files = json.loads(machine.run(["systemctl", "list-unit-files", KINDS, "--output=json"]).stdout)
    units = json.loads(machine.run(["systemctl", "list-units", KINDS, "--all", "--output=json"]).stdout)
    timed = {str(row["unit"]).removesuffix(".timer") for row in units if row["unit"].endswith(".timer")}
    aspect = {f"{row['unit_file']} file": str(row["state"]) for row in files}
    for row in units:
        name = str(row["unit"])
        if name.startswith(OF_SESSIONS):
            continue
        by_timer = name.removesuffix(".service") in timed and row["active"] != "failed"
        aspect[name] = "started by a timer" if by_timer else f"{row['load']} {row['active']} {row['sub']}"
    return {placeholders.text(name): state for name, state in aspect.items()}

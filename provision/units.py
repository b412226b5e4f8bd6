"""Which services of a machine ran when its stage was done; what a later look finds ended, the stage brings back.

Puppet alone does not: it starts what it manages by name, and not the instances that a unit of that name stands for.
"""

from __future__ import annotations

from pathlib import Path

from provision.ssh import Machine
from vm import artefact
from vm.errors import BadInput
from vm.lab import Lab

ENDED = ("inactive", "failed", "deactivating")
OURS = ("enabled", "enabled-runtime", "generated", "linked")
"""Services that start with the machine; others come and go as somebody asks for them."""
STARTS_S = 240
"""How long a machine may take to start: an emulated one takes minutes."""


class Units(artefact.Record):
    """Services that ran and start with the machine."""

    version: int = 1
    names: tuple[str, ...]


def path(lab: Lab, kind: str) -> Path:
    """Where a lab keeps them."""
    return lab.records / f"units-{kind}.json"


def keep(lab: Lab, kind: str, machine: Machine) -> None:
    """Remember what runs now."""
    listed = machine.run(["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"]).stdout.splitlines()
    names = [line.split()[0] for line in listed if line.strip()]
    shown = machine.run(["systemctl", "show", "--property=Id,UnitFileState", *names]).stdout if names else ""
    artefact.save(Units(names=start_with_machine(shown)), path(lab, kind))


def start_with_machine(shown: str) -> tuple[str, ...]:
    """Names of those among units, as `systemctl show` describes them, that start with the machine. Pure."""
    blocks = (dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in shown.split("\n\n"))
    return tuple(sorted(block["Id"] for block in blocks if block.get("UnitFileState") in OURS))


def ended(lab: Lab, kind: str, machine: Machine) -> tuple[str, ...] | None:
    """What ran and does no more; None where nobody knows what ran. A machine that is still starting is waited for, but no longer than STARTS_S."""
    try:
        names = artefact.load(Units, path(lab, kind)).names
    except BadInput:
        return None
    if not names:
        return ()
    machine.run(["timeout", str(STARTS_S), "systemctl", "is-system-running", "--wait"], check=False)
    states = machine.run(["systemctl", "is-active", *names], check=False).stdout.split()
    return tuple(name for name, state in zip(names, states, strict=True) if state in ENDED)


def start_ended(lab: Lab, kind: str, machine: Machine) -> str:
    """Start what has ended, each by itself, and say so; the Puppet run after it mends what does not start."""
    found = ended(lab, kind, machine) or ()
    for name in found:
        machine.run(["systemctl", "start", name], check=False, timeout_s=240)
    return f", {', '.join(name.removesuffix('.service') for name in found)} had ended" if found else ""

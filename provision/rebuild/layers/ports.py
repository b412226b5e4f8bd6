"""Which ports are open, and whose."""

from __future__ import annotations

import re

from provision.rebuild.layers import Source
from provision.rebuild.placeholders import Placeholders
from provision.rebuild.snapshot import Aspect
from provision.ssh import Machine

PROGRAM = re.compile(r'\(\("([^"]+)"')


def rows(listed: str) -> Aspect:
    """Programs by protocol and address, from what `ss` prints (pure)."""
    found = {}
    for line in listed.splitlines():
        protocol, _, _, _, address, *rest = line.split()
        program = PROGRAM.search(" ".join(rest))
        found[f"{protocol} {address}"] = program[1] if program else "?"
    return found


def read(source: Source) -> Aspect:
    """Listening TCP ports and bound UDP ports."""
    return read_machine(source.machine, source.placeholders)


def read_machine(machine: Machine, placeholders: Placeholders) -> Aspect:
    """The same of any machine."""
    listed = machine.run(["ss", "--no-header", "--listening", "--numeric", "--tcp", "--udp", "--processes"]).stdout
    return rows(placeholders.text(listed))

"""Which packages are installed, in which version."""

from __future__ import annotations

from provision.rebuild.layers import Source
from provision.rebuild.snapshot import Aspect
from provision.ssh import Machine


def read(source: Source) -> Aspect:
    """Versions by package name and architecture."""
    return read_machine(source.machine)


def read_machine(machine: Machine) -> Aspect:
    """The same of any machine."""
    listed = machine.run(["dpkg-query", "-W", "-f=${Package}:${Architecture} ${Version} ${db:Status-Abbrev}\\n"]).stdout
    rows = (line.split() for line in listed.splitlines())
    return {name: version for name, version, state in rows if state == "ii"}

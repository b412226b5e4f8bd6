"""A machine that is there already, rented or bought: neither started nor ended here, only known by its address.

What is done on it is done over SSH, elsewhere.
"""

from __future__ import annotations

import shutil
import socket
from ipaddress import IPv4Address
from pathlib import Path

from vm import artefact
from vm.drivers import MachineSpec, machine_directory
from vm.errors import BadInput, WatchpostError
from vm.lab import Lab


class Host(artefact.Record):
    """Where the machine is reached, and the address from which it sees us come."""

    version: int = 1
    user: str
    address: IPv4Address
    port: int
    seen_from: IPv4Address


def record(lab: Lab, kind: str) -> Path:
    """The file that knows the machine."""
    return machine_directory(lab, kind) / "host.json"


def known(lab: Lab, kind: str) -> Host | None:
    """The machine that stands in for one of the lab's own, if there is one."""
    path = record(lab, kind)
    return artefact.load(Host, path) if path.exists() else None


def start(spec: MachineSpec) -> None:
    """Nothing is started: raises WatchpostError, as who asks for it is mistaken."""
    raise WatchpostError(f"the machine {spec.kind} of lab {spec.lab.name} is started by its hoster", "--host")


def running(lab: Lab, kind: str) -> bool:
    """Whether its SSH port takes a connection."""
    host = known(lab, kind)
    if host is None:
        return False
    try:
        socket.create_connection((str(host.address), host.port), 5).close()
    except OSError:
        return False
    return True


def stop(lab: Lab, kind: str, *, orderly: bool = False) -> None:
    """Nothing is stopped."""


def destroy(lab: Lab, kind: str) -> None:
    """Forget the machine; it stays as it is."""
    if record(lab, kind).exists():
        shutil.rmtree(machine_directory(lab, kind))


def console_argv(lab: Lab, kind: str) -> list[str]:
    """Raises BadInput: its console is the hoster's."""
    raise BadInput(f"the console of {kind} is its hoster's", "--host", "use the hoster's own way, or `invoke ssh`")

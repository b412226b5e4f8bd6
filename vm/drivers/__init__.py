"""The ways to run a machine; a driver is one module with start, running, stop (see MachineSpec), found by its name."""

from __future__ import annotations

import hashlib
import importlib
from ipaddress import IPv4Address
from pathlib import Path
from types import ModuleType

from vm.artefact import Record
from vm.errors import BadInput
from vm.identity import Credentials
from vm.image.build import Image
from vm.lab import Lab

MARK = "def start(spec: MachineSpec) -> None:"
DRIVERS = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if MARK in path.read_text().splitlines()))
"""The folder is the registry: a driver is a module that can start a machine."""


class MachineSpec(Record):
    """What a driver needs to start a machine. memory_mib 0 means no limit, vcpus 0 likewise (containers only)."""

    lab: Lab
    kind: str
    image: Image
    credentials: Credentials
    vcpus: float
    memory_mib: int
    disk_gib: int
    accelerator: str = "none"

    @property
    def directory(self) -> Path:
        """The machine's files."""
        return machine_directory(self.lab, self.kind)

    @property
    def address(self) -> IPv4Address:
        """The machine's fixed address."""
        return self.lab.address(self.kind)


def machine_directory(lab: Lab, kind: str) -> Path:
    """Where a machine of a lab keeps its disk, console log and credentials."""
    return lab.directory / "machines" / kind


def mac(lab: Lab, kind: str) -> str:
    """A machine's fixed Ethernet address, in QEMU's own range: the same with every driver, so that neighbours who know it go on finding it."""
    tail = hashlib.sha256(f"{lab.name} {kind}".encode()).digest()
    return f"52:54:00:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"


def driver(name: str) -> ModuleType:
    """The driver of a name.

    Raises BadInput for a name that is no driver.
    """
    if name not in DRIVERS:
        raise BadInput(f"there is no driver {name!r}", "--driver", f"the drivers are: {', '.join(DRIVERS)}")
    return importlib.import_module(f"vm.drivers.{name}")

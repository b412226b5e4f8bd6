"""A lab: its name, network and directories, all derived from the checkout or from --lab NAME. Pure but for its lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from vm.artefact import Record
from vm.errors import BadInput, WatchpostError

STATE = Path("/var/lib/watchpost")
DOMAIN = "lab.test"  # RFC 6761: .test never resolves outside
CORE = ("puppet", "monitor", "fleet")
"""The machines that every lab has."""
RELEASES = ("bookworm", "trixie", "forky")
"""Debian's oldstable, stable and testing: a lab may have a real monitored machine of each."""
AGENTS = {codename: f"agent-{codename}" for codename in RELEASES}
"""Kind of the real monitored machine by its release."""
KINDS = (*CORE, *AGENTS.values())
MAX_HOSTS = 200
"""The /22 has room for 767 simulated hosts; DNS and the fleet's addresses are laid out for this many."""


POOLS = (IPv4Network("10.64.0.0/10"), IPv4Network("10.128.0.0/10"))
"""Where the networks of labs are."""


class Lab(Record):
    """One lab on this hypervisor. Two checkouts have two labs that do not meet."""

    version: int = 1
    name: str
    network: IPv4Network
    domain: str = DOMAIN

    @property
    def directory(self) -> Path:
        """Everything the lab keeps, and all that destroy removes besides machines and the network."""
        return STATE / "labs" / self.name

    @property
    def bridge(self) -> str:
        """Name of the bridge (at most 15 characters, the kernel's limit)."""
        return f"wp-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def gateway(self) -> IPv4Address:
        """The hypervisor's own address in the lab: NAT and DNS for the machines that may have them."""
        return self.network[1]

    def address(self, kind: str) -> IPv4Address:
        """The fixed address of a machine."""
        return self.network[2 + KINDS.index(kind)]

    def host_address(self, number: int) -> IPv4Address:
        """The fixed address of simulated host number 1, 2, …"""
        return self.network[256 + number]

    def fqdn(self, kind: str) -> str:
        """Name and Puppet certname of a machine."""
        return f"{kind}.{self.domain}"

    @property
    def secrets(self) -> Path:
        """Directory of the lab's secrets (0700)."""
        return self.directory / "secrets"

    @property
    def records(self) -> Path:
        """Directory of the records that stages leave."""
        return self.directory / "records"


def of_name(name: str) -> Lab:
    """The lab of a name: letters, digits, dashes; its subnet follows from the name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
        raise BadInput(f"{name!r} is no name for a lab", "--lab", "use 1 to 31 lower-case letters, digits and dashes")
    spot = hashlib.sha256(b"watchpost " + name.encode()).digest()
    return Lab(name=name, network=IPv4Network(f"10.{64 + spot[0] % 128}.{spot[1] & 0xFC}.0/22"))


def of_checkout(checkout: Path) -> Lab:
    """The lab that belongs to a checkout of the project."""
    real = str(checkout.resolve())
    return of_name(f"lab-{hashlib.sha256(real.encode()).hexdigest()[:6]}")


def prepare(lab: Lab) -> None:
    """Make the lab's directories. The way to the disks is open to QEMU's user, everything else to root alone."""
    for path, mode in (
        (STATE, 0o711),
        (STATE / "labs", 0o711),
        (lab.directory, 0o711),
        (lab.directory / "machines", 0o711),
        (lab.secrets, 0o700),
        (lab.records, 0o700),
    ):
        path.mkdir(exist_ok=True)
        path.chmod(mode)


@contextmanager
def hold(lab: Lab, command: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lab for one command that changes it.

    Raises WatchpostError naming the holder when another command still holds it after wait_s.
    The lock lies beside the lab's directory, which destroy removes.
    """
    STATE.mkdir(exist_ok=True, mode=0o711)
    (STATE / "locks").mkdir(exist_ok=True, mode=0o700)
    path = STATE / "locks" / lab.name
    with path.open("a+") as stream:
        end = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    stream.seek(0)
                    holder = stream.read().strip() or "another command"
                    raise WatchpostError(
                        f"lab {lab.name} is held by {holder}", str(path), "wait for it, or use --lab NAME for another lab"
                    ) from None
                time.sleep(0.5)
        stream.truncate(0)
        stream.write(f"`{command}` (process {os.getpid()})\n")
        stream.flush()
        yield

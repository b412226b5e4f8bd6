"""The simulated fleet as data: which hosts there are, what each does, and what Puppet would see of it.

Pure: the same seed always gives the same hosts, and a larger fleet begins with the smaller one, so that growing a lab adds hosts and
changes none. What makes hosts live (certificates, catalogs, results) belongs to provision; what they do is in site/role.
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from datetime import datetime, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from puppet_fixtures.facts import facts_of
from puppet_fixtures.simulated_host import MAX_COUNT, SimulatedHost
from vm.errors import BadInput

__all__ = ["MAX_COUNT", "SimulatedHost", "address", "facts", "fleet", "node_data", "releases"]

HERE = Path(__file__).parent
FIRST_OFFSET = 256  # number n has the address base + 256 + n

ROLES = (
    "apt_repository",
    "bitcoind",
    "bittorrent",
    "gitolite",
    "git_annex",
    "jenkins",
    "nightly_builds",
    "rsync",
    "test_suite",
    "website",
    "whisperback",
    "xmpp",
)
"""The services of the source text; the first twelve hosts have one each, in an order that the seed decides."""


class Release(BaseModel):
    """What facts say of one Debian release."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: int
    major: str
    full: str
    name: str
    kernel: str
    puppet: str
    facter: str
    ruby: str
    ssh: str


@cache
def releases() -> dict[str, Release]:
    """The Debian releases of the fleet by codename."""
    raw = tomllib.loads((HERE / "releases.toml").read_text(encoding="utf-8"))
    return {codename: Release.model_validate(values) for codename, values in raw.items()}


def fleet(count: int, seed: int = 1, domain: str = "lab.test") -> tuple[SimulatedHost, ...]:
    """The first `count` hosts of the fleet that `seed` describes."""
    if not 1 <= count <= MAX_COUNT:
        raise BadInput(
            f"A fleet of {count} hosts cannot be simulated", "--hosts", f"give a number from 1 to {MAX_COUNT}"
        )
    return tuple(_host(number, seed, domain) for number in range(1, count + 1))


def address(host: SimulatedHost, network: IPv4Network) -> IPv4Address:
    """Where the fleet answers for this host."""
    found = network.network_address + FIRST_OFFSET + host.number
    if found not in network or found == network.broadcast_address:
        raise BadInput(f"{host.certname} has no address in {network}", "lab network", "simulate fewer hosts")
    return found


def facts(host: SimulatedHost, at: datetime, own_address: IPv4Address | None = None) -> dict[str, Any]:
    """What Puppet's agent on that host would report at that time; the same but for uptime, load and free memory."""
    return facts_of(host, releases()[host.codename].model_dump(), at, _booted(host, at), own_address)


def node_data(role: str, services: int = 0, compress: int = 1) -> dict[str, Any]:
    """The Hiera data of a simulated host's own file. services: how many its agent pushes; 0 leaves that to the role. compress: what its checks' intervals are divided by."""
    asked = {"lab::pushed_services": services} if services else {}
    return {"role": role} | asked | ({"monitoring::compress": compress} if compress > 1 else {})


def _host(number: int, seed: int, domain: str) -> SimulatedHost:
    # A generator of its own for every host: what one draws never shifts the others.
    draw = random.Random(f"watchpost host {seed} {number}")
    role = _role(number, seed)
    codenames = list(releases())
    codename = draw.choices(codenames, weights=[releases()[name].share for name in codenames])[0]
    vcpus = draw.choice((1, 2, 2, 4, 8))
    return SimulatedHost(
        number=number,
        certname=f"{role.replace('_', '-')}-{number:03d}.{domain}",
        role=role,
        codename=codename,
        vcpus=vcpus,
        memory_mib=vcpus * draw.choice((1024, 2048, 4096)),
        disk_gib=draw.choice((20, 40, 80, 160, 500)),
        seed=seed,
    )


def _role(number: int, seed: int) -> str:
    """Every dozen of hosts has every role once, each dozen in its own order."""
    dozen, place = divmod(number - 1, len(ROLES))
    order = list(ROLES)
    random.Random(f"watchpost dozen {seed} {dozen}").shuffle(order)
    return order[place]


def _booted(host: SimulatedHost, at: datetime) -> datetime:
    """Hosts reboot about monthly, each on its own day: uptime grows between two reports and is not the same everywhere."""
    period_s = 30 * 86400
    phase_s = int.from_bytes(hashlib.sha256(host.certname.encode()).digest()[:4], "big") % period_s
    since_s = (int(at.timestamp()) - phase_s) % period_s
    return at - timedelta(seconds=since_s)

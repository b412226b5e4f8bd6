"""A lab as data, for catalogs that are compiled where there is none: its Hiera data, and its nodes with fixed facts.

The shape is that of provision.deployment, which holds the data of a real lab; values are made up, and no secret is among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

from puppet_fixtures.compiling import Node
from puppet_fixtures.fleet import SimulatedHost, address, facts, fleet, node_data

NETWORK = IPv4Network("10.9.0.0/22")
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""When all facts were taken: facts that follow the clock must not differ between two runs."""
MACHINES = ("puppet", "fleet", "monitor")
"""The lab's own machines by role; the monitor comes last, because it collects what the nodes before it export."""
SIZE = {"hosting::vcpus": 2, "hosting::memory_mib": 2048, "hosting::disk_gib": 20}


def lab(members: Iterable[SimulatedHost]) -> dict[str, Any]:
    """The public data of the lab (lab.yaml)."""
    return {
        "lab::domain": "lab.test",
        "lab::network": str(NETWORK),
        "lab::gateway": str(NETWORK[1]),
        "lab::addresses": {"puppet": str(NETWORK[2]), "monitor": str(NETWORK[3]), "fleet": str(NETWORK[4])},
        "lab::smarthost": "fleet.lab.test",
        "lab::smarthost_port": 25,
        "lab::puppet_server": "puppet.lab.test",
        "lab::hosts": {host.certname: str(address(host, NETWORK)) for host in members},
        "lab::collect_mode": "query",
        "lab::apt_repository_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "lab::overview_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "lab::probe_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    }


def host_node(host: SimulatedHost, services: int = 0, compress: int = 1) -> Node:
    """A simulated host as it would be enrolled; services and compress as in fleet.node_data."""
    return Node(host.certname, node_data(host.role, services, compress), facts(host, AT, address(host, NETWORK)))


def machine_node(kind: str) -> Node:
    """One of the lab's own machines; its facts are those of a plain Debian machine, as roles read few of them."""
    model = fleet(1)[0].model_copy(update={"certname": f"{kind}.lab.test", "codename": "trixie"})
    data = {"role": kind} | (SIZE if kind == "monitor" else {})
    return Node(model.certname, data, facts(model, AT), secrets=True)

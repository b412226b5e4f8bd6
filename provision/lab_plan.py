"""What follows from a lab and its options before anything is done: hosts, addresses, names, where files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from provision import deployment
from provision.options import Options
from provision.transport import Server
from puppet_fixtures import fleet
from puppet_fixtures.fleet import SimulatedHost
from vm.lab import KINDS, MAX_HOSTS, Lab
from vm.secret_store import SecretStore

CHECKOUT = Path(__file__).resolve().parents[1]
CONTROL_REPO = CHECKOUT / "puppet_fixtures"


@dataclass(frozen=True)
class LabPlan:
    """files: what the Puppet server is told of this lab, by name below its data directory. code: digest of the manifests.
    agents: kinds of the real monitored machines, which are in `addresses` too and not among `hosts`."""

    lab: Lab
    hosts: tuple[SimulatedHost, ...]
    roles: Mapping[str, str]
    addresses: Mapping[str, IPv4Address]
    server: Server
    files: Mapping[str, str]
    code: str
    agents: tuple[str, ...] = ()

    @property
    def monitored(self) -> int:
        """How many hosts Icinga has to know, simulated and real."""
        return len(self.hosts) + len(self.agents)

    @property
    def ca(self) -> Path:
        """The CA that everything of the lab trusts."""
        return ca_path(self.lab)

    @property
    def nodes(self) -> Path:
        """Keys, certificates and catalogs of the simulated hosts."""
        return nodes_path(self.lab)

    def names(self, seed: int) -> dict[str, IPv4Address]:
        """Every name of the lab's network: machines, the Puppet server, all hosts there is room for."""
        names = {self.lab.fqdn(kind): self.lab.address(kind) for kind in KINDS}
        for host in fleet.fleet(MAX_HOSTS, seed, self.lab.domain):
            names[host.certname] = fleet.address(host, self.lab.network)
        return names | {self.server.name: IPv4Address(self.server.address)}


def ca_path(lab: Lab) -> Path:
    """Where a lab keeps the certificates of its CA."""
    return lab.directory / "ca.pem"


def nodes_path(lab: Lab) -> Path:
    """Where a lab keeps what belongs to simulated hosts."""
    return lab.directory / "nodes"


def plan(lab: Lab, options: Options, secrets: SecretStore, server: Server, seen_from: IPv4Address) -> LabPlan:
    """The plan of a lab. seen_from: the address from which machines see the harness come. Secrets that the lab lacks are made."""
    hosts = fleet.fleet(options.hosts, options.seed, lab.domain) if options.hosts else ()
    roles = {host.certname: host.role for host in hosts}
    addresses = {host.certname: fleet.address(host, lab.network) for host in hosts}
    addresses |= {lab.fqdn(kind): lab.address(kind) for kind in options.agent_kinds}
    smarthost = options.smarthost or lab.fqdn("fleet")
    files = deployment.lab_files(
        lab, roles, addresses, options.spec, secrets, options.collect_mode, server.name, smarthost, seen_from, options.services, options.agent_kinds, options.compress
    )
    return LabPlan(lab, tuple(hosts), roles, addresses, server, files, deployment.code_digest(CONTROL_REPO), options.agent_kinds)

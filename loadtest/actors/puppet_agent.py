"""A host's Puppet agent under load: plugin metadata, facts, catalog, the file metadata that the catalog asks for, report.

Every arrival is one run, on a connection of its own as agents have it. The real Puppet server compiles and stores everything; only the
applying is left out.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from loadtest.arrivals import Arrival
from provision.protocol import puppet, puppet_report
from provision.transport import Server
from puppet_fixtures import drift, fleet
from puppet_fixtures.simulated_host import SimulatedHost

MOUNTS = ("pluginfacts", "plugins")


class Kind:
    """One host's agent. host is the simulated host as a record; every run sends facts as they are at its intended time."""

    def __init__(
        self, name: str, *, certname: str, server: tuple[str, str, int], ca: str, certificate: str, key: str, address: str,
        host: dict[str, Any],
    ) -> None:  # fmt: skip
        self._name = certname
        self._server = Server(server[0], server[1], server[2], Path(ca), source=address)
        self._identity = (Path(certificate), Path(key))
        self._address = IPv4Address(address)
        self._host = SimulatedHost.model_validate(host)

    def start(self) -> None:
        """Nothing: an agent that runs now and then holds no connection."""

    def arrive(self, arrival: Arrival, intended: float) -> None:
        at = datetime.fromtimestamp(intended, UTC)
        facts = drift.drifted(fleet.facts(self._host, at, self._address), self._name, at)
        transaction, began = str(uuid.uuid4()), at.isoformat(timespec="milliseconds")
        with self._server.client(*self._identity) as client:
            for mount in MOUNTS:
                puppet.read_plugins(self._name, client.send(puppet.get_plugins(mount)))
            catalog = puppet.read_catalog(self._name, client.send(puppet.post_facts(self._name, facts, began, transaction)))
            for source in puppet.sources(catalog):
                puppet.read_metadata(self._name, client.send(puppet.get_metadata(source)))
            report = puppet_report.unchanged(
                catalog, began=began, ended=_now(), compile_s=0.0, transaction=transaction, server=self._server.name
            )
            puppet.read_report_taken(self._name, client.send(puppet.put_report(self._name, report)))

    def stop(self) -> None:
        """Nothing is open between runs."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

"""PuppetDB takes commands and queries from the Puppet server alone; nobody stores a catalog in another's name.

Needs the fixture `lab` of a running lab with, as attributes:
- `machine(kind)`: provision.ssh.Machine of puppet or monitor
- `puppet`: provision.transport.Server of the Puppet server (name, address, port 8140, CA)
- `hosts`: certnames of the simulated hosts, and `identities`: directory of their keys and certificates
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provision import puppet_server
from provision.enrolment import Identity, identity
from provision.protocol import puppet, puppetdb
from provision.protocol.http import Response
from provision.ssh import Machine
from provision.transport import Server
from provision.tunnel import dial
from tests.acceptance.weakened import weakened
from vm.errors import WatchpostError

CONFIG = "/etc/puppetdb/conf.d/config.ini"
FORGED = "forged-by-a-test"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def tls_port(machine: Machine, server: Server) -> Server:
    """PuppetDB's TLS port, which the firewall keeps on the machine, through SSH."""
    return replace(server, port=8081, dial=lambda: dial(machine, 8081))


def forge(port: Server, intruder: Identity, victim: str) -> Response:
    """Store a catalog with one exported resource for the victim, with the intruder's certificate."""
    with port.client(intruder.certificate, intruder.key) as client:
        return client.send(puppetdb.replace_catalog(victim, intruder.certname, now(), FORGED))


def ask(port: Server, intruder: Identity) -> Response:
    with port.client(intruder.certificate, intruder.key) as client:
        return client.send(puppetdb.query("nodes[certname] {}"))


def forged_rows(machine: Machine) -> list[dict[str, Any]]:
    puppet_server.wait_stored(machine)
    return puppet_server.query(machine, f'resources[certname] {{ exported = true and title ~ "{FORGED}" }}')


@contextmanager
def without_allowlist(lab: Any) -> Iterator[None]:
    """PuppetDB as packaged, without the allowlist."""
    machine = lab.machine("puppet")
    kept = machine.run(["cat", CONFIG]).stdout
    lines = kept.splitlines(keepends=True)
    open_to_all = "".join(line for line in lines if not line.startswith("certificate-allowlist"))
    machine.close()
    assert open_to_all != kept
    restart = ("systemctl", "restart", "puppetdb.service")

    def settle(machine: Machine) -> None:
        machine.run(restart)
        puppet_server.wait_ready(machine, lab.puppet)

    with weakened(lab, "puppet", "PuppetDB without its allowlist", {CONFIG: open_to_all}, restart, settle):
        yield


@pytest.fixture
def intruders(lab: Any, tmp_path: Path) -> tuple[Identity, ...]:
    """An agent's certificate and the monitor's own."""
    monitor = lab.machine("monitor")
    mine = identity(tmp_path, monitor.name if "." in monitor.name else f"{monitor.name}.lab.test")
    mine.key.parent.mkdir()
    for path, folder in ((mine.key, "private_keys"), (mine.certificate, "certs")):
        path.touch(mode=0o600)
        path.write_text(monitor.run(["cat", f"{puppet_server.SSL}/{folder}/{mine.certname}.pem"]).stdout)
    return identity(lab.identities, lab.hosts[1]), mine


@pytest.mark.requirement("THREAT-B1", "THREAT-A4")
def test_b1_nobody_but_the_puppet_server_writes_or_reads(lab: Any, intruders: tuple[Identity, ...], record_property: Any) -> None:
    machine, victim = lab.machine("puppet"), lab.hosts[0]
    port = tls_port(machine, lab.puppet)
    for intruder in intruders:
        assert forge(port, intruder, victim).status == 403, intruder.certname
        assert ask(port, intruder).status == 403, intruder.certname
    assert forged_rows(machine) == []
    record_property("evidence", f"PuppetDB, with the certificates of {' and '.join(one.certname for one in intruders)}: 403 for a catalog in the name of {victim} and for a query; nothing forged is stored")


@pytest.mark.requirement("THREAT-B1", "THREAT-A4")
def test_b1_control_without_the_allowlist_the_forgery_succeeds(lab: Any, intruders: tuple[Identity, ...], record_property: Any) -> None:
    machine, victim = lab.machine("puppet"), lab.hosts[0]
    before = puppet_server.query(machine, f'catalogs[certname, hash] {{ certname = "{victim}" }}')
    ghosts = [f"ghost-{number}.lab.test" for number in range(len(intruders))]
    try:
        port = tls_port(machine, lab.puppet)
        with without_allowlist(lab):
            for intruder, ghost in zip(intruders, ghosts, strict=True):
                assert forge(port, intruder, ghost).status == 200, intruder.certname
                assert ask(port, intruder).status == 200, intruder.certname
        assert {row["certname"] for row in forged_rows(machine)} == set(ghosts)
    finally:
        puppet_server.deactivate(machine, ghosts)
        puppet_server.wait_stored(machine)
    assert forged_rows(machine) == []
    assert puppet_server.query(machine, f'catalogs[certname, hash] {{ certname = "{victim}" }}') == before
    record_property("evidence", f"without the allowlist the same is stored: catalogs of {', '.join(ghosts)}")


@pytest.mark.requirement("THREAT-B1", "THREAT-A4")
def test_b1_puppetdb_cannot_be_reached_from_the_lab(lab: Any, record_property: Any) -> None:
    server: Server = lab.puppet
    socket.create_connection((server.address, 8140), 5).close()  # the control: the machine answers
    for port in (8080, 8081, 5432):
        with pytest.raises(OSError):
            socket.create_connection((server.address, port), 2)
    record_property("evidence", "on the Puppet server's machine 8140 answers, and 8080, 8081 and 5432 do not")


@pytest.mark.requirement("THREAT-B1", "THREAT-A4")
def test_b1_a_node_gets_no_catalog_of_another_and_manages_no_certificate(
    lab: Any, intruders: tuple[Identity, ...], record_property: Any
) -> None:
    victim = lab.hosts[0]
    server: Server = lab.puppet
    own = identity(lab.identities, victim)
    for intruder in intruders:
        with server.client(intruder.certificate, intruder.key) as client:
            assert client.send(puppet.post_facts(victim, {}, now(), "0")).status == 403, intruder.certname
            assert client.send(puppet.clean(victim)).status == 403, intruder.certname
    with server.client(own.certificate, own.key) as client:
        # The control: with no facts its own catalog may fail to compile, but it is not refused.
        assert (allowed := client.send(puppet.post_facts(victim, {}, now(), "0")).status) != 403
    who = " and ".join(one.certname for one in intruders)
    record_property("evidence", f"{who}: 403 for the catalog of {victim} and for the removal of its certificate; {victim} itself: {allowed}")


@pytest.mark.requirement("THREAT-B1", "THREAT-A4")
def test_b1_a_stranger_to_the_ca_is_refused(lab: Any, record_property: Any) -> None:
    server: Server = lab.puppet
    with server.client() as client:
        assert client.send(puppet.post_facts(lab.hosts[0], {}, now(), "0")).status == 403
    elsewhere = replace(server, name="elsewhere.lab.test")
    with elsewhere.client() as client, pytest.raises(WatchpostError, match="not the server of this CA"):
        client.send(puppet.get_ca())
    record_property("evidence", "without a certificate: 403 for a catalog; a server that has another name than its certificate is not talked to")

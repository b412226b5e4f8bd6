"""Icinga has a certificate of its own, which is no Puppet node's: who takes over its user gets no catalog, and the machine can sign nothing."""

from __future__ import annotations

import pytest

from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab

pytestmark = pytest.mark.project
CERTS = "/var/lib/icinga2/certs"
SSL = "/var/lib/puppet/ssl"


def catalog(lab: LiveLab, machine: Machine, user: str, of: str, certificate: str, key: str) -> str:
    """The status that the Puppet server answers when a user of the monitor asks for a node's catalog with this certificate."""
    url = f"https://{lab.puppet.name}:8140/puppet/v3/catalog/{of}?environment=production"
    argv = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert", f"{CERTS}/ca.crt", "--cert", certificate, "--key", key, url]
    return machine.run(["runuser", "-u", user, "--", *argv], check=False).stdout


def test_icingas_certificate_gets_no_catalog(lab: LiveLab) -> None:
    machine, node, icinga = lab.machine("monitor"), lab.lab.fqdn("monitor"), lab.lab.fqdn("icinga")
    own = f"{CERTS}/{icinga}.crt", f"{CERTS}/{icinga}.key"
    nodes = f"{SSL}/certs/{node}.pem", f"{SSL}/private_keys/{node}.pem"
    assert catalog(lab, machine, "nagios", node, *own) == "403"
    assert catalog(lab, machine, "nagios", lab.hosts[0], *own) == "403"
    assert machine.run(["runuser", "-u", "nagios", "--", "test", "-r", nodes[1]], check=False).returncode != 0
    assert catalog(lab, machine, "root", node, *nodes) == "200", "the control: the node itself gets its catalog"
    machine.close()


def test_no_key_of_the_ca_is_on_the_monitor(lab: LiveLab) -> None:
    find = ["find", "/", "-xdev", "-name", "ca_key.pem"]
    assert lab.machine("monitor").run(find).stdout == ""
    assert lab.machine("puppet").run(find).stdout.splitlines(), "the control: the Puppet server has it"

"""A monitor on a Puppet server that is there already: a stranger to the lab, on a network of its own, run by its own operator.

The stranger is a container on a plain bridge that this test makes. What the operator does there is done here by hand: the bundle is
unpacked, requests are signed. The lab itself never logs in to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from provision import deployment, machines, puppet_run, puppet_server
from provision.lab_plan import CONTROL_REPO
from provision.ssh import Machine
from provision.transport import Server
from tests.acceptance.conftest import CHECKOUT, invoke
from vm import lab as labs
from vm.command import run
from vm.drivers import container
from vm.hosting import HostingSpec
from vm.image import build
from vm.secret_store import SecretStore

TAG = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:6]
STRANGER = labs.Lab(name=f"own-{TAG}", network=IPv4Network("198.18.44.0/22"), domain="operator.test")  # RFC 2544: for tests
GUEST = f"guest-{TAG}"
HOSTS_FILE = Path("/etc/hosts")


class Operator:
    """The operator's Puppet server, and what an operator does on it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.name = STRANGER.fqdn("puppet")
        self.ca = STRANGER.directory / "ca.pem"

    def unpack(self, bundle: Path) -> None:
        """Put the lab's bundle where the server looks for code and data."""
        for archive, target in (("environment.tar", "/etc/puppet/code/environments/watchpost"), ("lab.tar", "/etc/puppet/lab")):
            self.machine.run(["mkdir", "-p", target])
            self.machine.run(["tar", "-C", target, "--no-same-owner", "-xf", "-"], input=(bundle / archive).read_bytes())
        self.machine.run(["chgrp", "-R", "puppet", "/etc/puppet/lab"])

    def sign(self, *names: str) -> str:
        """Sign waiting requests; what the CA listed before."""
        listed = self.machine.run(["puppetserver", "ca", "list"]).stdout
        self.machine.run(["puppetserver", "ca", "sign", "--certname", ",".join(names)])
        return listed


@pytest.fixture(scope="module")
def operator(lab: Any) -> Iterator[Operator]:
    """A server of an operator who signs by hand: no policy knows the lab's names before the bundle is there."""
    one = STRANGER
    invoke("destroy", "--yes", "--lab", GUEST)
    container.destroy(one, "puppet")
    run(["ip", "link", "delete", one.bridge], check=False)
    run(["ip", "link", "add", one.bridge, "type", "bridge"])
    before = HOSTS_FILE.read_text()
    try:
        run(["ip", "address", "add", f"{one.gateway}/{one.network.prefixlen}", "dev", one.bridge])
        run(["ip", "link", "set", one.bridge, "up"])
        labs.prepare(one)
        store = SecretStore(one.secrets)
        image, _ = build.find_or_build("puppet", CONTROL_REPO / "data")
        machines.start(one, "puppet", "container", image, HostingSpec(vcpus=64, memory_mib=8192, disk_gib=100), "none", store)
        machine = machines.connect(one, "puppet", store)
        machine.wait(120)
        machine.write("/etc/hosts", f"127.0.0.1 localhost\n{one.address('puppet')} {one.fqdn('puppet')}\n")  # no DNS on that bridge
        files = deployment.lab_files(one, {}, {}, HostingSpec(vcpus=1, memory_mib=1024, disk_gib=10), store, "query", one.fqdn("puppet"), "none.test", one.gateway)
        deployment.deploy(machine, CONTROL_REPO, files)
        puppet_run.run_puppet(machine, puppet_server.apply_argv(one.fqdn("puppet")))
        # an operator's server lets the world in and not the lab's network alone
        machine.run(["nft", "insert", "rule", "inet", "filter", "input", "tcp", "dport", "8140", "accept"])
        puppet_server.pin_ca(machine, one.directory / "ca.pem")
        server = Server(one.fqdn("puppet"), str(one.address("puppet")), 8140, one.directory / "ca.pem")
        puppet_server.wait_ready(machine, server)
        with HOSTS_FILE.open("a") as stream:
            stream.write(f"{one.address('puppet')} {one.fqdn('puppet')}\n")
        yield Operator(machine)
    finally:
        HOSTS_FILE.write_text(before)
        invoke("destroy", "--yes", "--lab", GUEST)
        container.destroy(one, "puppet")
        run(["ip", "link", "delete", one.bridge], check=False)
        if one.directory.exists():
            run(["rm", "-r", one.directory])


def provision(operator: Operator) -> subprocess.CompletedProcess[str]:
    """The user's command against that server."""
    words = ["provision", "--driver", "container", "--puppet-server", operator.name, "--puppet-ca", str(operator.ca),
             "--puppet-environment", "watchpost", "--smarthost", "mail.operator.test", "--lab", GUEST, "--json"]  # fmt: skip
    argv = [str(CHECKOUT / ".venv/bin/invoke"), *words]
    return subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=900, env=os.environ)


def test_host2_the_monitor_lives_on_the_operators_own_server(lab: Any, operator: Operator) -> None:
    guest = labs.of_name(GUEST)
    names = [guest.fqdn(name) for name in ("monitor", "icinga", "harness")]

    waiting = provision(operator)
    assert waiting.returncode == 1, waiting.stderr
    assert f"3 certificate requests wait on {operator.name}" in waiting.stderr
    assert f"puppetserver ca sign --certname {','.join(names)}" in waiting.stderr
    prints = [word.rstrip(").;") for word in waiting.stderr.split() if word.count(":") == 31]

    operator.unpack(guest.directory / "for-puppet-server")
    listed = operator.sign(*names)
    assert len(set(prints)) == 3 and all(one in listed for one in prints), "the fingerprints are those the operator sees"

    done = provision(operator)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["puppet_server"] == operator.name
    assert found["machines"] == {"monitor": True}
    assert found["hosts"] is not None and sum(found["hosts"].values()) == 0
    assert not container.running(guest, "puppet"), "no server of the lab's own"

    again = provision(operator)
    assert again.returncode == 0 and json.loads(again.stdout)["stages"] == []


def test_host2_the_other_lab_went_on_meanwhile(lab: Any, operator: Operator) -> None:
    """Two labs side by side: the one that was there has its machines, states and agents."""
    found = lab.status()
    assert all(found["machines"].values())
    assert found["hosts"]["up"] == len(lab.hosts) and found["endpoints_connected"] == len(lab.hosts)

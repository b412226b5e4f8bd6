"""A Puppet server, and then a machine too, that are there already: strangers to the lab, on a network of their own, run by an operator.

The strangers are containers on a plain bridge that this test makes. What the operator does is done here by hand: the bundle is
unpacked, requests are signed. The lab itself never logs in to the server.
"""

from __future__ import annotations

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
from tests.acceptance.conftest import CHECKOUT, INVOKE, TAG, invoke
from vm import lab as labs
from vm.command import run
from vm.drivers import MachineSpec, container
from vm.hosting import HostingSpec
from vm.identity import Credentials, network_file
from vm.image import build
from vm.secret_store import SecretStore

STRANGER = labs.Lab(name=f"own-{TAG}", network=IPv4Network("198.18.44.0/22"), domain="operator.test")  # RFC 2544: for tests
GUEST = f"guest-{TAG}"
RENTED = f"rented-{TAG}"
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

    def forget(self, *names: str) -> None:
        """Make names free that were used before."""
        self.machine.run(["puppetserver", "ca", "clean", "--certname", ",".join(names)])

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


def provision(operator: Operator, *more: str, lab: str = GUEST, home: str = "/root") -> subprocess.CompletedProcess[str]:
    """The user's command against that server."""
    words = ["provision", *more, "--puppet-server", operator.name, "--puppet-ca", str(operator.ca),
             "--puppet-environment", "watchpost", "--smarthost", "mail.operator.test", "--lab", lab, "--json"]  # fmt: skip
    argv = [INVOKE, *words]
    return subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=1500, env={**os.environ, "HOME": home})


@pytest.mark.requirement("HOST-2")
def test_host2_the_monitor_lives_on_the_operators_own_server(lab: Any, operator: Operator, record_property: Any) -> None:
    guest = labs.of_name(GUEST)
    names = [guest.fqdn(name) for name in ("monitor", "icinga", "harness")]

    waiting = provision(operator, "--driver", "container")
    assert waiting.returncode == 1, waiting.stderr
    assert f"3 certificate requests wait on {operator.name}" in waiting.stderr
    assert f"puppetserver ca sign --certname {','.join(names)}" in waiting.stderr
    prints = [word.rstrip(").;") for word in waiting.stderr.split() if word.count(":") == 31]

    operator.unpack(guest.directory / "for-puppet-server")
    listed = operator.sign(*names)
    assert len(set(prints)) == 3 and all(one in listed for one in prints), "the fingerprints are those the operator sees"

    done = provision(operator, "--driver", "container")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["puppet_server"] == operator.name
    assert found["machines"] == {"monitor": True}
    assert found["hosts"] is not None and sum(found["hosts"].values()) == 0
    assert not container.running(guest, "puppet"), "no server of the lab's own"

    again = provision(operator, "--driver", "container")
    assert again.returncode == 0 and json.loads(again.stdout)["stages"] == []
    record_property("evidence", f"the monitor converges from {found['puppet_server']}, which is not the lab's, after its operator signed {', '.join(names)}")


@pytest.mark.project
def test_host2_the_other_lab_went_on_meanwhile(lab: Any, operator: Operator) -> None:
    """Two labs side by side: the one that was there has its machines, states and agents."""
    found = lab.status()
    assert all(found["machines"].values())
    assert found["hosts"]["up"] == len(lab.hosts) and found["endpoints_connected"] == len(lab.hosts)


PLAIN = ("systemd-sysv", "dbus", "openssh-server", "ca-certificates", "iproute2", "passwd", "libpam-systemd")


class Rented:
    """A plain Debian machine, as a hoster hands it over, and the home of an operator whose SSH knows it."""

    def __init__(self, machine: Machine, home: Path) -> None:
        self.machine = machine
        self.home = home
        self.words = f"root@{machine.address}"


@pytest.fixture(scope="module")
def rented(operator: Operator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rented]:
    """Debian 13 with systemd and SSH and nothing of ours; it reaches the package mirror by NAT."""
    one, place = STRANGER, tmp_path_factory.mktemp("rented")
    place.chmod(0o755)
    nat = ["-s", str(one.network), "!", "-d", str(one.network), "-j", "MASQUERADE"]
    run(["mmdebstrap", "--variant=apt", "--components=main", f"--include={','.join(PLAIN)}",
         "--customize-hook=chroot $1 systemctl enable systemd-networkd.service; rm $1/etc/hostname", "trixie", place / "tree"], timeout_s=600)  # fmt: skip
    ssh = place / ".ssh"
    ssh.mkdir(mode=0o700)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh / "id_ed25519"])
    host_key = (place / "tree/etc/ssh/ssh_host_ed25519_key.pub").read_text()
    given = Credentials(
        public={
            "system.hostname": "v12345.hoster.test", "ssh.authorized_keys.root": (ssh / "id_ed25519.pub").read_text(),
            "network.network.10-hoster": network_file(one, [one.address("monitor")], routed=True),
        },
        secret={},
    )  # fmt: skip
    plain = build.Image(kind="plain", digest="plain", directory=place, seconds=0, packages=0)
    run(["iptables", "-t", "nat", "-A", "POSTROUTING", *nat])
    try:
        container.start(MachineSpec(lab=one, kind="monitor", image=plain, credentials=given, vcpus=64, memory_mib=8192, disk_gib=20))
        machine = Machine.of_lab("rented", str(one.address("monitor")), ssh / "id_ed25519", host_key)
        machine.wait(120)
        machine.write("/etc/resolv.conf", Path("/etc/resolv.conf").read_text())
        yield Rented(machine, place)
    finally:
        run(["iptables", "-t", "nat", "-D", "POSTROUTING", *nat])
        invoke("destroy", "--yes", "--lab", RENTED)
        container.destroy(one, "monitor")


@pytest.mark.thorough
@pytest.mark.requirement("HOST-2")
def test_host2_a_rented_machine_becomes_the_monitor(lab: Any, operator: Operator, rented: Rented, record_property: Any) -> None:
    guest = labs.of_name(RENTED)
    names = [guest.fqdn(name) for name in ("monitor", "icinga", "harness")]
    home = str(rented.home)

    stranger = provision(operator, "--host", rented.words, lab=RENTED, home=home)
    assert stranger.returncode == 1 and "let ~/.ssh/known_hosts keep it" in stranger.stderr, stranger.stderr

    key = " ".join((rented.home / "tree/etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])
    (rented.home / ".ssh/known_hosts").write_text(f"{rented.machine.address} {key}\n")
    nameless = provision(operator, "--host", rented.words, lab=RENTED, home=home)
    assert nameless.returncode == 1 and f"does not resolve the name of the Puppet server, {operator.name}" in nameless.stderr
    rented.machine.run(["tee", "-a", "/etc/hosts"], input=f"{STRANGER.address('puppet')} {operator.name}\n")

    operator.forget(*names)
    waiting = provision(operator, "--host", rented.words, lab=RENTED, home=home)
    assert waiting.returncode == 1 and f"3 certificate requests wait on {operator.name}" in waiting.stderr, waiting.stderr
    operator.unpack(guest.directory / "for-puppet-server")
    operator.sign(*names)

    done = provision(operator, "--host", rented.words, lab=RENTED, home=home)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["driver"], found["machines"]) == ("host", {"monitor": True})
    assert str(rented.machine.address) in found["web"]
    assert rented.machine.run(["hostname"]).stdout.strip() == "v12345.hoster.test", "its name is its owner's"

    record = json.loads((guest.records / "host-changes.json").read_text())
    changed = {(one["aspect"], one["name"]) for one in record["differences"]}
    assert {("packages", "icinga2-bin:amd64"), ("etc", "/etc/icinga2/zones.conf"), ("ports", "tcp 0.0.0.0:443"), ("units", "icinga2.service")} <= changed
    assert ("packages", "openssh-server:amd64") not in changed, "what was there before is no change"

    again = provision(operator, "--host", rented.words, lab=RENTED, home=home)
    assert again.returncode == 0 and json.loads(again.stdout)["stages"] == []
    assert invoke("destroy", "--yes", "--lab", RENTED).returncode == 0
    assert rented.machine.run(["systemctl", "is-active", "icinga2"]).stdout.strip() == "active", "forgetting it leaves it as it is"
    record_property("evidence", f"a plain Debian machine became the monitor over SSH as root, by its own Puppet agent with {operator.name}: {len(changed)} changes on it were told")

"""A Debian machine that is there already becomes the monitor: looked at, given packages, looked at again.

Reached with the operator's own SSH. What was changed on it is kept as a record.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from pathlib import Path

from provision.lab_plan import CONTROL_REPO
from provision.rebuild.compare import compare
from provision.rebuild.layers import packages, ports, units
from provision.rebuild.placeholders import Placeholders
from provision.rebuild.snapshot import Aspect, Snapshot
from provision.ssh import Machine
from provision.stages import Work
from vm import artefact
from vm.drivers import host as hosts
from vm.errors import BadInput, WatchpostError
from vm.image.packages import read_list
from vm.lab import Lab

RELEASE = "13"
LISTS = ("base", "monitor")
POLICY = "/usr/sbin/policy-rc.d"
WORDS = re.compile(r"(?:(?P<user>[a-z_][a-z0-9_-]*)@)?(?P<address>\d+\.\d+\.\d+\.\d+)(?::(?P<port>\d+))?")
APT = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]


def parse(words: str) -> tuple[IPv4Address, int]:
    """Address and port of `root@ADDRESS` or `root@ADDRESS:PORT`. Raises BadInput for anything else."""
    found = WORDS.fullmatch(words)
    try:
        if not found or found["user"] not in (None, "root"):
            raise ValueError
        return IPv4Address(found["address"]), int(found["port"] or 22)
    except ValueError as error:
        raise BadInput(f"{words!r} is no machine to log in to as root", "--host", "write root@ADDRESS, with an IPv4 address") from error


def look(lab: Lab, words: str) -> hosts.Host:
    """Log in, see that it is a machine we can use, and remember it.

    Raises WatchpostError when it cannot be reached, BadInput when it is another system than Debian 13 on amd64.
    """
    address, port = parse(words)
    machine = Machine.of_operator(lab.fqdn("monitor"), str(address), "root", port)
    try:
        said = machine.run(["sh", "-c", '. /etc/os-release; echo "$ID $VERSION_ID"; dpkg --print-architecture; id -u; echo "$SSH_CLIENT"']).stdout
    except WatchpostError as error:
        raise WatchpostError(
            error.what, f"ssh -p {port} root@{address}",
            "log in once by hand, compare the host key with your hoster's, and let ~/.ssh/known_hosts keep it",
        ) from error  # fmt: skip
    finally:
        machine.close()
    system, architecture, user, client = said.splitlines()
    if (system, architecture, user) != (f"debian {RELEASE}", "amd64", "0"):
        raise BadInput(
            f"{address} runs {system} on {architecture}, as user {user}", "--host", f"give a machine with Debian {RELEASE} on amd64, and root"
        )
    host = hosts.Host(user="root", address=address, port=port, seen_from=IPv4Address(client.split()[0]))
    artefact.save(host, hosts.record(lab, "monitor"))
    return host


def prepare(work: Work, server: str) -> None:
    """Keep what the machine was like, and install the packages of a monitor with nothing started by their maintainers' scripts.

    server: name of the Puppet server, which the machine has to resolve. Raises WatchpostError when it does not, or when APT fails.
    """
    machine = work.connect("monitor")
    before = work.lab.records / "host-before.json"
    wanted = sorted({name for one in LISTS for name in read_list(CONTROL_REPO / "data", one)})

    def install() -> str:
        if machine.run(["getent", "ahostsv4", server], check=False).returncode:
            raise WatchpostError(
                f"the machine does not resolve the name of the Puppet server, {server}", work.lab.fqdn("monitor"),
                "let its DNS or its /etc/hosts know that name, then the same command again",
            )  # fmt: skip
        if not before.exists():  # what was there before the first run, however often this is repeated
            artefact.save(inventory(work, machine), before)
        had = len(packages.read_machine(machine))
        hook = (Path(__file__).parents[2] / "vm/image/hooks/essential").read_text()
        machine.run(["sh", "-s", "/"], input=hook.replace("chroot \"$root\" ", ""))
        machine.run(APT + ["update"], timeout_s=600)
        machine.write(POLICY, "#!/bin/sh\nexit 101\n", mode="0755")
        try:
            machine.run([*APT, "install", "--no-install-recommends", *wanted], timeout_s=1800)
        finally:
            machine.run(["rm", "-f", POLICY])
        return f"{len(packages.read_machine(machine)) - had} packages installed"

    work.ledger.step("packages", wanted, install)
    machine.close()


def changes(work: Work) -> None:
    """Record what is another now than before the first run: packages, units, ports, files below /etc."""
    path = work.lab.records / "host-changes.json"

    def record() -> str:
        machine = work.connect("monitor")
        now = inventory(work, machine)
        machine.close()
        before = artefact.load(Snapshot, work.lab.records / "host-before.json")
        found = compare(before, now, "before the first run")
        artefact.save(found, path)
        counts = {name: sum(one.aspect == name for one in found.differences) for name in found.aspects}
        return ", ".join(f"{count} {name}" for name, count in counts.items()) + f" changed; all of them in {path}"

    work.ledger.step("what changed", [work.ledger.done.get("monitor")], record)


def inventory(work: Work, machine: Machine) -> Snapshot:
    """The machine as it is now."""
    clean = Placeholders(work.lab.name, work.lab.network, {})
    aspects = {
        "packages": packages.read_machine(machine), "units": units.read_machine(machine, clean), "ports": ports.read_machine(machine, clean),
        "etc": etc(machine),
    }  # fmt: skip
    return Snapshot(lab=work.lab.name, driver="host", code="", lock="", recipe="", options="", aspects=aspects)


def etc(machine: Machine) -> Aspect:
    """Digests of the files below /etc by path."""
    listed = machine.run(["find", "/etc", "-xdev", "-type", "f", "-exec", "sha256sum", "{}", "+"]).stdout
    rows = (line.split(maxsplit=1) for line in listed.splitlines())
    return {path: digest[:16] for digest, path in rows}

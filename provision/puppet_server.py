"""The machine `puppet` from the harness's side: made by its own manifest, awaited, reloaded, its database asked.

PuppetDB answers on that machine's loopback alone; it is reached through SSH.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provision.enrolment import forget_certificates, forget_request
from provision.protocol import puppetdb
from provision.protocol.http import Request, Response
from provision.ssh import Machine
from provision.transport import Client, Server
from provision.tunnel import dial
from vm.artefact import write_file
from vm.errors import WatchpostError
from vm.wait import wait_until

SITE = "/etc/puppet/code/environments/production/manifests/site.pp"
SSL = "/var/lib/puppet/ssl"
SIGNED = "/etc/puppet/puppetserver/ca/signed"
READY_S = 240
ANSWER_S = 10
"""For one question whether it runs."""
UNITS = ("puppetserver", "puppetdb")
ACCESS_LOG = "/var/log/puppetdb/puppetdb-access.log"


def apply_argv(certname: str) -> list[str]:
    """The run that makes the machine, on the machine: under `puppet apply` certname becomes $trusted['certname'].

    Unlike the agent it takes no lock of its own: a run that was cut off here goes on there, and its end is awaited.
    """
    return [
        "flock", "/run/watchpost-apply.lock", "puppet", "apply", "--environment=production", f"--certname={certname}", "--detailed-exitcodes", "--color=false", SITE,
    ]  # fmt: skip


def pin_ca(machine: Machine, path: Path) -> None:
    """Fetch the CA's certificates over SSH, the one way that needs no CA to be trusted, and keep them."""
    write_file(path, machine.run(["cat", f"{SSL}/certs/ca.pem"]).stdout, 0o644)


def wait_ready(machine: Machine, server: Server, deadline_s: float = READY_S) -> None:
    """Until the Puppet server and PuppetDB answer. Raises WatchpostError naming the unit that failed or is late."""

    def no_failure() -> bool:
        for unit in UNITS:
            state = machine.run(["systemctl", "is-failed", unit], check=False).stdout.strip()
            if state == "failed":
                raise WatchpostError(f"{unit} failed on {machine.name}", f"journalctl -u {unit}, /var/log/{unit} there")
        return True

    wait_until(
        lambda: no_failure() and answers(server), reason=f"puppetserver on {machine.name}", deadline_s=deadline_s, interval_s=1,
    )  # fmt: skip
    wait_until(
        lambda: no_failure() and waiting(machine) is not None, reason=f"PuppetDB on {machine.name}",
        deadline_s=deadline_s, interval_s=1,
    )  # fmt: skip


def answers(server: Server) -> bool:
    """Whether the Puppet server says that it runs."""
    try:
        with replace(server, timeout_s=ANSWER_S).client() as client:
            return client.send(Request("GET", "/status/v1/simple")).text().strip() == "running"
    except WatchpostError:
        return False


def forget(machine: Machine, certnames: Iterable[str]) -> list[str]:
    """Revoke the certificates of these names and drop their waiting requests; returns the names that had one."""
    names = list(certnames)
    found = [name for name in names if machine.run(["test", "-e", f"{SIGNED}/{name}.pem"], check=False).returncode == 0]
    for name in names:
        machine.run(forget_request(name))
    if found:
        machine.run(forget_certificates(found))
    return found


def is_active(machine: Machine) -> bool:
    """Whether the Puppet server's unit runs."""
    return machine.run(["systemctl", "is-active", "--quiet", "puppetserver"], check=False).returncode == 0


def reload(machine: Machine) -> None:
    """Let the Puppet server see changed code: it caches environments. Returns when it answers again.

    Changed data below /etc/puppet/lab needs none of this.
    """
    machine.run(["systemctl", "reload", "puppetserver"], timeout_s=READY_S)


def database(machine: Machine) -> Client:
    """PuppetDB's clear-text port on the machine's loopback, through SSH."""
    return Client("127.0.0.1", 8080, lambda: dial(machine, 8080), 60)


def ask(machine: Machine, request: Request) -> Response:
    """Send PuppetDB one request."""
    with database(machine) as client:
        return client.send(request)


def waiting(machine: Machine) -> int | None:
    """Commands PuppetDB has not processed; None while it takes none."""
    try:
        return puppetdb.waiting_commands(ask(machine, puppetdb.get_status()))
    except WatchpostError:
        return None


def wait_stored(machine: Machine, deadline_s: float = 120) -> None:
    """Until PuppetDB has processed every command it took, so that what hosts exported can be collected."""
    wait_until(
        lambda: waiting(machine) == 0, reason="PuppetDB to store what the hosts exported", deadline_s=deadline_s,
        interval_s=0.5, todo="look into /var/log/puppetdb/puppetdb.log on the machine puppet",
    )  # fmt: skip


def query(machine: Machine, pql: str) -> list[dict[str, Any]]:
    """Rows of a PQL query."""
    return puppetdb.read_rows(ask(machine, puppetdb.query(pql)))


def exported(machine: Machine) -> dict[str, int]:
    """How many resources each host exports, by certname."""
    rows = query(machine, "resources[certname, count()] { exported = true group by certname }")
    return {str(row["certname"]): int(row["count"]) for row in rows}


def deactivate(machine: Machine, certnames: Iterable[str]) -> None:
    """Take removed hosts out of PuppetDB, so that they are collected no more."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with database(machine) as client:
        for certname in certnames:
            answer = client.send(puppetdb.deactivate(certname, now))
            if not answer.ok:
                raise WatchpostError(f"PuppetDB kept {certname}: HTTP {answer.status}", machine.name)


def queries(machine: Machine) -> int:
    """How many queries stand in PuppetDB's access log of today; it begins anew at midnight."""
    found = machine.run(["grep", "-c", '"[A-Z]* /pdb/query/', ACCESS_LOG], check=False).stdout.strip()
    return int(found or 0)

"""The simulated agents' results: what the pusher is told, and how one sees that the states are live."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from provision import daemon, icinga_api, machines
from provision.agents import AgentRun, agent_checks, kept_catalog
from provision.enrolment import identity
from provision.pusher_spec import PushedCheck, PushedHost, PusherSpec
from puppet_fixtures.fleet import SimulatedHost
from vm.artefact import Record
from vm.errors import WatchpostError
from vm.lab import Lab
from vm.wait import wait_until


class AgentRuns(Record):
    """The last Puppet runs of all simulated hosts."""

    version: int = 1
    runs: tuple[AgentRun, ...]


def spec(
    lab: Lab, hosts: Sequence[SimulatedHost], addresses: Mapping[str, IPv4Address], nodes: Path, ca: Path, seed: int
) -> PusherSpec:
    """What the pusher needs: each host with the checks that its own catalog gives its agent."""
    pushed = []
    for host in hosts:
        mine = identity(nodes, host.certname)
        checks = agent_checks(kept_catalog(nodes, host.certname))
        pushed.append(
            PushedHost(
                certname=host.certname, address=str(addresses[host.certname]), key=mine.key, certificate=mine.certificate,
                checks=tuple(PushedCheck(title=check.title, interval_s=check.interval_s) for check in checks),
            )  # fmt: skip
        )
    return PusherSpec(
        master_address=str(lab.address("monitor")), endpoint=lab.fqdn("icinga"), ca=ca, seed=seed,
        status=lab.directory / "pusher-status.json", hosts=tuple(pushed),
    )  # fmt: skip


def process(lab: Lab) -> Path:
    """The file that knows the pusher's process."""
    return lab.directory / "pusher.pid.json"


def tell(record: Path) -> bool:
    """Let a running pusher read its changed spec; False when none runs."""
    return daemon.send_signal(record, signal.SIGHUP)


def access(lab: Lab, nodes: Path, ca: Path) -> icinga_api.ApiAccess:
    """The harness's read-only access to Icinga's API."""
    mine = identity(nodes, lab.fqdn("harness"))
    return icinga_api.ApiAccess(
        address=machines.address(lab, "monitor"), endpoint=lab.fqdn("icinga"), ca=ca, certificate=mine.certificate, key=mine.key
    )


def waiting_for(found: icinga_api.IcingaStatus, hosts: int) -> str:
    """What is not live yet, in words; empty when all is."""
    if sum(found.hosts.values()) < hosts:
        return f"{sum(found.hosts.values())} of {hosts} hosts known"
    if found.hosts.get("pending", 0) or found.services.get("pending", 0):
        return f"{found.hosts.get('pending', 0)} hosts and {found.services.get('pending', 0)} services pending"
    if found.endpoints_connected < hosts:
        return f"{found.endpoints_connected} of {hosts} agents connected"
    return ""


def is_live(lab: Lab, nodes: Path, ca: Path, hosts: int) -> bool:
    """Whether Icinga answers and all states are live."""
    try:
        return not waiting_for(icinga_api.status(access(lab, nodes, ca)), hosts)
    except WatchpostError:
        return False


def wait_live(lab: Lab, nodes: Path, ca: Path, hosts: int, deadline_s: float = 300) -> str:
    """Until all states are live; returns the states in words. Raises WatchpostError naming what is missing."""
    last = "Icinga's API answers"

    def probe() -> icinga_api.IcingaStatus | None:
        nonlocal last
        try:
            found = icinga_api.status(access(lab, nodes, ca))
        except WatchpostError as error:
            last = error.what
            return None
        last = waiting_for(found, hosts)
        return None if last else found

    try:
        found = wait_until(probe, reason="live states", deadline_s=deadline_s, interval_s=1)
    except WatchpostError as error:
        raise WatchpostError(f"{error.what}: {last}", "Icinga's API on monitor", "look at the log of the pusher") from error
    return ", ".join(f"{count} {state}" for state, count in found.services.items() if count) + " services"

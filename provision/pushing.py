"""The simulated agents' results: what the pusher is told, and how one sees that the states are live."""

from __future__ import annotations

import contextlib
import itertools
import signal
from collections.abc import Collection, Mapping, Sequence
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
from vm.wait import SYSTEM, Clock, wait_until

SETTLE_S = 180.0
"""How long a bad state may take to become good once all is up: what was checked before its daemon or its agent came is checked again within a minute."""
LISTED_EACH = 5
"""Of so many looks at Icinga's counts, which are cheap, one is at the list of what is bad too: counts have what nobody waits for."""
SHOWN = 5
"""Of how many bad states a command tells."""


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


def is_good(at: icinga_api.ApiAccess) -> bool:
    """Whether no state is bad, by Icinga's counts, which are cheap."""
    try:
        found = icinga_api.status(at)
    except WatchpostError:
        return False
    return not (found.hosts.get("down") or any(found.services.get(state) for state in ("warning", "critical", "unknown")))


def settle(at: icinga_api.ApiAccess, theirs: Collection[str] = (), deadline_s: float = SETTLE_S, clock: Clock = SYSTEM) -> tuple[icinga_api.Trouble, ...]:
    """Wait until every state is good, but those of the hosts `theirs` and what is acknowledged; what is not good then, or when time is up."""
    probes = itertools.count(1)

    def settled() -> bool:
        listed = theirs or next(probes) % LISTED_EACH == 0
        return is_good(at) or (bool(listed) and not of_others(look(at), theirs))

    if not is_good(at) and of_others(look(at), theirs):
        with contextlib.suppress(WatchpostError):  # time is up
            wait_until(settled, reason="good states", deadline_s=deadline_s, interval_s=15 if theirs else 3, clock=clock)
    return () if is_good(at) else look(at)


def of_others(found: Sequence[icinga_api.Trouble], theirs: Collection[str]) -> list[icinga_api.Trouble]:
    """What is bad of other hosts than these."""
    return [one for one in found if one.host not in theirs]


def look(at: icinga_api.ApiAccess) -> tuple[icinga_api.Trouble, ...]:
    """What is not good now; where Icinga does not answer, nothing is known to be."""
    try:
        return icinga_api.troubles(at)
    except WatchpostError as error:
        return (icinga_api.Trouble(host="monitor", service="", state="UNKNOWN", output=error.what),)


def in_words(found: Sequence[icinga_api.Trouble]) -> str:
    """What is not good, the worst first and a few of many."""
    order = ("DOWN", "CRITICAL", "UNKNOWN", "WARNING")
    first = sorted(found, key=lambda one: (order.index(one.state), one.host, one.service))
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "".join(f"\n    {line}" for line in [*map(str, first[:SHOWN]), *more])


def serious(found: Sequence[icinga_api.Trouble], theirs: Collection[str]) -> bool:
    """Whether more than warnings is among it, of other hosts than these."""
    return any(one.state != "WARNING" for one in of_others(found, theirs))


def must_be_good(at: icinga_api.ApiAccess, theirs: Collection[str] = ()) -> str:
    """Hold a lab's own fleet to good states; returns in words what is only a warning, or bad on a real machine (theirs), which has troubles of its own.

    Raises WatchpostError naming what stays bad.
    """
    found = settle(at, theirs)
    if serious(found, theirs):
        raise WatchpostError(
            f"all is up, but {len(found)} of the states did not become good within {SETTLE_S:.0f} s:{in_words(found)}", "Icinga on monitor",
            "mend the check, or what it checks (`invoke ssh --machine fleet` for the daemons behind simulated hosts), or acknowledge it in the web; then the same command again",
        )  # fmt: skip
    return f"; not good:{in_words(found)}" if found else ""


def stays_good(at: icinga_api.ApiAccess, theirs: Collection[str] = ()) -> bool:
    """Whether a lab that was good is so still."""
    return is_good(at) or not serious(look(at), theirs)

"""The load that a lab's own fleet makes: which actors there are and what each does when. Pure but for reading the lab's records.

Agents push their checks at their intervals, Puppet agents run every run_interval_s, people look at pages. What a scenario adds to it is
in scenarios/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.arrivals import Stream, arrivals
from loadtest.lateness import Due
from loadtest.load_spec import ActorSpec, LoadSpec
from provision.pusher_spec import PusherSpec
from puppet_fixtures.simulated_host import SimulatedHost

RESULT, RUN, PAGE = "result", "puppet run", "page"
PUPPET_RUN_S = 1800.0
"""How often an agent runs by default (Puppet's runinterval)."""
LOOKS = (("overview", 0.4), ("host list", 0.2), ("problems", 0.2), ("host", 0.15), ("acknowledge", 0.05))
"""What a person looks at, and how often of all looks; a mixture of ours, not a measured one."""


@dataclass(frozen=True)
class Site:
    """Where the machines of a lab answer, and the files with what one has to know; paths, never secrets."""

    puppet_name: str
    puppet_address: str
    web_name: str
    web_address: str
    ca: Path
    basic: Path
    login: Path


def agents(pusher: PusherSpec, ends_s: float, *, multiple: float = 1) -> tuple[list[ActorSpec], list[Stream]]:
    """The Icinga agents of a pusher's spec, each check `multiple` times as often."""
    actors, streams = [], []
    for host in pusher.hosts:
        models = {check.title: check.model.model_dump() for check in host.checks if check.model.kind != "ok"}
        settings = {
            "master": [pusher.master_address, pusher.master_port], "endpoint": pusher.endpoint, "ca": str(pusher.ca),
            "certificate": str(host.certificate), "key": str(host.key), "address": host.address, "seed": pusher.seed, "models": models,
        }  # fmt: skip
        actors.append(ActorSpec(name=host.certname, kind="icinga_agent", settings=settings))
        streams += [
            Stream(actor=host.certname, what=RESULT, detail=check.title, interval_s=check.interval_s / multiple, ends_s=ends_s)
            for check in host.checks
            if check.model.kind != "mute"
        ]
    return actors, streams


def puppet_agents(
    site: Site, pusher: PusherSpec, hosts: Sequence[SimulatedHost], ends_s: float, *, interval_s: float = PUPPET_RUN_S
) -> tuple[list[ActorSpec], list[Stream]]:
    """The same hosts' Puppet agents. Their actors are named apart: a host's two agents are two processes."""
    known = {host.certname: host for host in pusher.hosts}
    actors, streams = [], []
    for host in hosts:
        mine, name = known[host.certname], f"puppet {host.certname}"
        settings = {
            "certname": host.certname, "server": [site.puppet_name, site.puppet_address, 8140], "ca": str(site.ca),
            "certificate": str(mine.certificate), "key": str(mine.key), "address": mine.address, "host": host.model_dump(),
        }  # fmt: skip
        actors.append(ActorSpec(name=name, kind="puppet_agent", settings=settings))
        streams.append(Stream(actor=name, what=RUN, interval_s=interval_s, ends_s=ends_s))
    return actors, streams


def people(
    site: Site, hosts: Sequence[str], ends_s: float, *, count: int = 5, think_s: float = 10
) -> tuple[list[ActorSpec], list[Stream]]:
    """People who look at a page every think_s seconds on average, each on a session of its own."""
    settings = {
        "site": site.web_name, "address": site.web_address, "ca": str(site.ca), "basic": str(site.basic), "login": str(site.login),
        "hosts": list(hosts),
    }  # fmt: skip
    actors = [ActorSpec(name=f"person-{number + 1}", kind="person", settings=settings) for number in range(count)]
    streams = [
        Stream(actor=actor.name, what=PAGE, detail=page, interval_s=think_s / share, ends_s=ends_s, pattern="poisson")
        for actor in actors
        for page, share in LOOKS
    ]
    return actors, streams


def due(spec: LoadSpec, began_at: float, begins_s: float, ends_s: float) -> list[Due]:
    """The results that a load's plan has between two times of the run, for comparison with what Icinga had."""
    return [
        Due(one.actor, one.detail, began_at + one.at_s)
        for stream in spec.streams
        if stream.what == RESULT
        for one in arrivals(stream, spec.seed)
        if begins_s <= one.at_s < ends_s
    ]

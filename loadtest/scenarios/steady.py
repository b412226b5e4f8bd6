"""The fleet at its intervals: what the machine does all day."""

from __future__ import annotations

from loadtest import fleet_load, objectives
from loadtest.rig import Rig
from loadtest.scenarios import Load, Scenario


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """Icinga agents and Puppet agents of all hosts."""
    actors, streams = fleet_load.agents(rig.pusher, ends_s, multiple=multiple)
    more_actors, more_streams = fleet_load.puppet_agents(rig.site, rig.pusher, rig.hosts, ends_s, interval_s=fleet_load.PUPPET_RUN_S / multiple)
    return actors + more_actors, streams + more_streams


SCENARIO = Scenario(
    name="steady",
    what="the fleet at its intervals",
    load=load,
    objectives=(objectives.GOODPUT, objectives.LATENESS, objectives.RUNS_GOOD, *objectives.ALWAYS),
    seconds={"short": 60, "full": 600},
)

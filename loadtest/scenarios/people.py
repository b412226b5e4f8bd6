"""Five people look at the web while the fleet goes on."""

from __future__ import annotations

from loadtest import fleet_load, objectives
from loadtest.rig import Rig
from loadtest.scenarios import Load, Scenario, steady

PEOPLE = 5


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """The steady load and the people."""
    actors, streams = steady.load(rig, ends_s, multiple)
    names = [host.certname for host in rig.hosts]
    more_actors, more_streams = fleet_load.people(rig.site, names, ends_s, count=PEOPLE)
    return actors + more_actors, streams + more_streams


SCENARIO = Scenario(
    name="people",
    what=f"{PEOPLE} people look at the web, each at a page every 10 s",
    load=load,
    objectives=(objectives.PAGES, objectives.PAGES_GOOD, *steady.SCENARIO.objectives),
    seconds={"short": 60, "full": 600},
)

"""Five people look at the web and acknowledge problems while the fleet goes on."""

from __future__ import annotations

from dataclasses import replace

from loadtest import fleet_load, objectives
from loadtest.rig import Rig
from loadtest.scenarios import Load, Scenario, steady
from provision.pusher_spec import PusherSpec, StateModel

PEOPLE = 5
EACH = 5
"""One host in so many has a check that fails all the time, so that there are problems to acknowledge."""


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """The steady load with some problems, and the people."""
    actors, streams = steady.load(replace(rig, pusher=with_problems(rig.pusher)), ends_s, multiple)
    names = [host.certname for host in rig.hosts]
    more_actors, more_streams = fleet_load.people(rig.site, names, ends_s, count=PEOPLE)
    return actors + more_actors, streams + more_streams


def with_problems(pusher: PusherSpec) -> PusherSpec:
    """Of one host in EACH the check that is made most often fails."""
    hosts = list(pusher.hosts)
    for number in range(0, len(hosts), EACH):
        often, *others = sorted(hosts[number].checks, key=lambda check: check.interval_s)
        failing = often.model_copy(update={"model": StateModel(kind="failing")})
        hosts[number] = hosts[number].model_copy(update={"checks": (failing, *others)})
    return pusher.model_copy(update={"hosts": tuple(hosts)})


SCENARIO = Scenario(
    name="people",
    what=f"{PEOPLE} people look at the web, each at a page every 10 s",
    load=load,
    objectives=(objectives.PAGES, objectives.PAGES_GOOD, objectives.MAILS, *steady.SCENARIO.objectives),
    seconds={"short": 60, "full": 300},
)

"""More and more results until they do not arrive in time any more: the multiple of today's fleet that this machine carries."""

from __future__ import annotations

from loadtest import fleet_load, objectives
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen, match
from loadtest.rig import Rig
from loadtest.samples import Sample
from loadtest.scenarios import Load, Scenario

GROWTH = 1.5
"""From one step to the next."""
STEP_S = 10.0
STEPS = 14
MOST_PER_S = 2500.0
"""Results a second that one worker of the generator sends in time on one core; the ramp ends there."""


def multiples(rate: float) -> tuple[float, ...]:
    """The steps for a fleet that pushes so many results a second: from 1 on, the last one within what the generator can send. Pure."""
    wanted = (GROWTH**number for number in range(100))
    most = max(1.0, MOST_PER_S / rate)
    found = [one for one in wanted if one <= most]
    skip = max(0, len(found) - STEPS)
    return tuple(([found[0]] if skip else []) + found[skip:])  # a small fleet's first steps are of no interest


def base_rate(rig: Rig) -> float:
    """Results that the fleet pushes in a second."""
    return sum(1 / check.interval_s for host in rig.pusher.hosts for check in host.checks)


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """The fleet's checks, each step's multiple times as often as they are."""
    actors, _ = fleet_load.agents(rig.pusher, ends_s)
    streams = []
    for number, factor in enumerate(multiples(base_rate(rig) * multiple)):
        begins = SCENARIO.warm_up_s + number * STEP_S
        _, step = fleet_load.agents(rig.pusher, begins + STEP_S, multiple=factor * multiple)
        streams += [stream.model_copy(update={"begins_s": begins}) for stream in step]
    return actors, streams


def analyse(rig: Rig, happened: dict[str, Estimate], due: list[Due], seen: list[Seen], samples: list[Sample], begins: float) -> dict[str, Estimate]:
    """The largest multiple whose step met goodput and lateness, and the first that did not (missing where all did)."""
    rate = base_rate(rig)
    found = {"carried_multiple": Estimate.exact(0)}
    for number, factor in enumerate(multiples(rate)):
        start = begins + number * STEP_S
        good = match([one for one in due if start <= one.at < start + STEP_S], seen)
        if not (objectives.GOODPUT.met_by(good.ratio) and objectives.LATENESS.met_by(good.lateness.quantile(0.99))):
            return found | {"broke_at_multiple": Estimate.exact(factor)}
        found |= {"carried_multiple": Estimate.exact(factor), "carried_results_per_s": Estimate.exact(factor * rate)}
    return found


SCENARIO = Scenario(
    name="ramp",
    what="results come more and more often until the machine does not carry them",
    load=load,
    objectives=(objectives.GOODPUT, objectives.LATENESS, *objectives.ALWAYS),
    seconds={"short": (STEPS + 1) * STEP_S, "full": (STEPS + 1) * STEP_S},
    even=False,
    analyse=analyse,
)

"""More and more results until they do not arrive in time any more: the multiple of today's fleet that this machine carries."""

from __future__ import annotations

from loadtest import fleet_load, objectives
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen, match
from loadtest.rig import Rig
from loadtest.scenarios import Load, Scenario

MULTIPLES = (1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096)
STEP_S = 10.0


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """The fleet's checks, each step's multiple times as often as they are."""
    actors, _ = fleet_load.agents(rig.pusher, ends_s)
    streams = []
    for number, factor in enumerate(MULTIPLES):
        begins = SCENARIO.warm_up_s + number * STEP_S
        _, step = fleet_load.agents(rig.pusher, begins + STEP_S, multiple=factor * multiple)
        streams += [stream.model_copy(update={"begins_s": begins}) for stream in step]
    return actors, streams


def analyse(due: list[Due], seen: list[Seen], begins: float) -> dict[str, Estimate]:
    """The largest multiple whose step met goodput and lateness, and the first that did not (0: all did). begins: epoch of the first step."""
    carried, broken = 0, 0
    for number, factor in enumerate(MULTIPLES):
        start = begins + number * STEP_S
        good = match([one for one in due if start <= one.at < start + STEP_S], seen)
        met = objectives.GOODPUT.met_by(good.ratio) and objectives.LATENESS.met_by(good.lateness.quantile(0.99))
        if not met:
            broken = factor
            break
        carried = factor
    rate = len([one for one in due if begins <= one.at < begins + STEP_S]) / STEP_S / MULTIPLES[0]
    return {
        "carried_multiple": Estimate.exact(carried), "broke_at_multiple": Estimate.exact(broken),
        "carried_results_per_s": Estimate.exact(carried * rate),
    }  # fmt: skip


SCENARIO = Scenario(
    name="ramp",
    what="results come more and more often until the machine does not carry them",
    load=load,
    objectives=objectives.ALWAYS,
    seconds={"short": len(MULTIPLES) * STEP_S, "full": len(MULTIPLES) * STEP_S},
    analyse=analyse,
)

"""The steady load for long: does memory grow, whatever time passes?"""

from __future__ import annotations

from dataclasses import replace

from loadtest import intervals, objectives
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen
from loadtest.rig import Rig
from loadtest.samples import Sample
from loadtest.scenarios import Scenario
from loadtest.scenarios.steady import SCENARIO as STEADY

FILLS = "unit=postgresql"
"""Its buffers fill with time, up to what they were set to: their growth ends."""


def growth(rig: Rig, happened: dict[str, Estimate], due: list[Due], seen: list[Seen], samples: list[Sample], begins: float) -> dict[str, Estimate]:
    """How fast memory grows in the second half of the window, in MiB an hour: of each service that ran all the time, and of all together; nothing where there are too few looks."""
    pss = [one for one in samples if one.metric == "pss_mib" and one.time_s >= begins and not one.labels.startswith(FILLS)]
    if not pss:
        return {}
    looks: list[dict[str, Sample]] = [{}]
    for one in sorted(pss, key=lambda one: one.time_s):
        if (unit := one.labels.removeprefix("unit=")) in looks[-1]:
            looks.append({})  # a look takes all services one after the other
        looks[-1][unit] = one
    late = looks[len(looks) // 2 :]
    lasting = sorted(set.intersection(*(set(look) for look in late)))
    hours = [min(one.time_s for one in look.values()) / 3600 for look in late]
    found = {f"memory_growth_{unit}_mib_per_h": intervals.of_slope(hours, [look[unit].value for look in late]) for unit in lasting}
    found["memory_growth_mib_per_h"] = whole = intervals.of_slope(hours, [sum(look[unit].value for unit in lasting) for look in late])
    kept = {name: one for name, one in found.items() if one is not None}
    return kept | ({"memory_surely_grows_mib_per_h": Estimate.exact(max(0.0, whole.low))} if whole else {})


SCENARIO: Scenario = replace(
    STEADY, name="soak", what="the steady load for an hour", objectives=(*STEADY.objectives, objectives.NO_LEAK), seconds={"short": 600, "full": 3600}, analyse=growth
)

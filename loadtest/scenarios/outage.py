"""The uplink is lost for all hosts at once, and comes back: every agent connects again and sends what it kept, states that turned turn back.

The smarthost is beyond the same uplink, so that mails wait too; when they go is Postfix's matter and not judged. Nor is how soon a change of state is in the database:
Icinga dates it by the result that made it, and one that was sent again is old.
"""

from __future__ import annotations

import time

from loadtest import objectives, uplink
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen, arrivals
from loadtest.rig import Rig
from loadtest.samples import Sample
from loadtest.scenarios import Length, Scenario, steady
from loadtest.scenarios.reload import reconnected

LOST_S: dict[Length, float] = {"short": 180, "full": 600}
AFTER_S = objectives.RECOVERED.target + 10
"""How long the load goes on when the uplink is back: longer than the recovery may last, and than the usual interval of a check."""
EVENT_AT = 0.15
GRACE_S = 300.0
"""For so long after its start Icinga does not call a service unknown whose agent is not connected (lib/icinga/checkable-check.cpp, Checkable::ExecuteCheck): an outage then would be a smaller one."""


def outage(rig: Rig, length: Length) -> dict[str, Estimate]:
    """Cut, wait, mend; when it was mended, and how long until every agent is connected again."""
    with uplink.lost(rig):
        time.sleep(LOST_S[length])
    mended = time.time()
    return {"mended_at_s": Estimate.exact(mended), "reconnected_s": Estimate.exact(reconnected(rig, len(rig.hosts), AFTER_S))}


def recovery(rig: Rig, happened: dict[str, Estimate], due: list[Due], seen: list[Seen], samples: list[Sample], begins: float) -> dict[str, Estimate]:
    """recovery_s: from the mended uplink until every agent is connected and every later result is in time; not_good_again: services that had a result
    due after it, and whose last state is not OK."""
    mended, connected_s = happened["mended_at_s"].value, happened["reconnected_s"].value
    late = [(planned.at if at is None else at) - mended for planned, at in arrivals(due, seen) if planned.at >= mended and not in_time(planned, at)]
    last: dict[tuple[str, str], Seen] = {}
    for one in sorted(seen, key=lambda one: one.at):
        last[one.host, one.service] = one
    expected = {(one.host, one.service) for one in due if one.at >= mended + connected_s}
    bad = [name for name in expected if name not in last or last[name].state != 0]
    return {"recovery_s": Estimate.exact(round(max([connected_s, *late]), 3)), "not_good_again": Estimate.exact(len(bad))}


def in_time(planned: Due, at: float | None) -> bool:
    """Whether a result came, and no later than `steady` demands of the slowest."""
    return at is not None and objectives.LATENESS.met_by(at - planned.at)


SCENARIO = Scenario(
    name="outage",
    what="the uplink is lost for all hosts and comes back",
    load=steady.load,
    objectives=(objectives.RECOVERED, objectives.RESTORED, *objectives.ALWAYS),
    seconds={length: (lost_s + AFTER_S) / (1 - EVENT_AT) for length, lost_s in LOST_S.items()},
    event_at=EVENT_AT,
    uptime_s=GRACE_S,
    event=outage,
    analyse=recovery,
)

"""The uplink is lost for all hosts at once, and comes back: burst of connections and results, states that turn and turn back."""

from __future__ import annotations

import time

from loadtest import objectives, uplink
from loadtest.estimate import Estimate
from loadtest.rig import Rig
from loadtest.scenarios import Length, Scenario, steady
from loadtest.scenarios.reload import reconnected

LOST_S = {"short": 180, "full": 600}
PATIENCE_S = 300.0


def outage(rig: Rig, length: Length) -> dict[str, Estimate]:
    """Cut, wait, mend; how long until every agent is connected again."""
    with uplink.lost(rig):
        time.sleep(LOST_S[length])
    return {"recovery_s": Estimate.exact(reconnected(rig, len(rig.hosts), PATIENCE_S))}


SCENARIO = Scenario(
    name="outage",
    what="the uplink is lost for all hosts and comes back",
    load=steady.load,
    objectives=(objectives.RECOVERED, *objectives.ALWAYS),
    seconds={"short": LOST_S["short"] + 90, "full": LOST_S["full"] + 180},
    event=outage,
)

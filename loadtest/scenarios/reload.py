"""Icinga reloads its configuration under load: agents are disconnected, come back all at once, and until then it is blind."""

from __future__ import annotations

import time

from loadtest import objectives
from loadtest.estimate import Estimate
from loadtest.rig import Rig
from loadtest.scenarios import Length, Scenario, steady
from provision import icinga_api, pushing
from vm.errors import WatchpostError
from vm.wait import wait_until


def reload(rig: Rig, length: Length) -> dict[str, Estimate]:
    """`systemctl reload icinga2`, which validates all objects first, as the run after a changed catalog does."""
    machine = rig.connect("monitor")
    began = time.monotonic()
    machine.run(["systemctl", "reload", "icinga2.service"])
    validated = time.monotonic()
    machine.close()
    try:
        wait_until(lambda: connected(rig), reason="all agents connected again", deadline_s=120, interval_s=0.25)
    except WatchpostError:
        return {"reload_s": Estimate.exact(validated - began)}  # blind_s is missing: the run is judged without it
    return {"reload_s": Estimate.exact(validated - began), "reconnected_s": Estimate.exact(time.monotonic() - validated)}


def connected(rig: Rig) -> bool:
    """Whether Icinga counts all agents as connected."""
    try:
        found = icinga_api.status(pushing.access(rig.lab, rig.work.plan.nodes, rig.work.plan.ca))
    except WatchpostError:
        return False
    return found.endpoints_connected >= len(rig.hosts)


SCENARIO = Scenario(
    name="reload",
    what="Icinga reloads under load",
    load=steady.load,
    objectives=(objectives.BLIND, *objectives.ALWAYS),
    seconds={"short": 60, "full": 180},
    event=reload,
)

"""Every service of every host changes its state again and again: history, database and mail have to keep up."""

from __future__ import annotations

from loadtest import fleet_load, objectives
from loadtest.rig import Rig
from loadtest.scenarios import Load, Scenario
from provision.pusher_spec import StateModel

RESULTS_A_STATE = 4
"""Results of one state before it changes: enough to become a hard one (three attempts)."""
CHANGE_S = 30
"""Seconds between two changes of a service."""


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """All checks fail and recover in turn, each result CHANGE_S / RESULTS_A_STATE seconds after the one before."""
    model = StateModel(kind="hard", every=RESULTS_A_STATE)
    hosts = tuple(
        host.model_copy(update={"checks": tuple(
            check.model_copy(update={"model": model, "interval_s": CHANGE_S / RESULTS_A_STATE}) for check in host.checks
        )})
        for host in rig.pusher.hosts
    )  # fmt: skip
    return fleet_load.agents(rig.pusher.model_copy(update={"hosts": hosts}), ends_s, multiple=multiple)


SCENARIO = Scenario(
    name="storm",
    what=f"every service changes its state every {CHANGE_S} s",
    load=load,
    objectives=(objectives.GOODPUT, objectives.LATENESS, objectives.TO_DATABASE, *objectives.ALWAYS),
    seconds={"short": 90, "full": 300},
)

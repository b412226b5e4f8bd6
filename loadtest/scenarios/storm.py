"""Every service of every host changes its state again and again: history and database have to keep up, and show what a change costs on disk."""

from __future__ import annotations

import time

from loadtest import disk_use, fleet_load, objectives
from loadtest.estimate import Estimate
from loadtest.rig import Rig
from loadtest.scenarios import Length, Load, Scenario
from provision.pusher_spec import StateModel
from provision.ssh import Machine

RESULTS_A_STATE = 4
"""Results of one state before it changes: enough to become a hard one (three attempts)."""
CHANGE_S = 30
"""Seconds between two changes of a service."""
WATCHED_S = {"short": 80, "full": 220}
LEAST_CHANGES = 100
"""Fewer say nothing of a change: the database grows by pages."""


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


def growth(rig: Rig, length: Length) -> dict[str, Estimate]:
    """What the database grows by a hard state change, soft ones on the way to it and history of everything included.

    The files' sizes, so the write-ahead log and what is still to be vacuumed are not in it; the base is all that lies on the machine's
    own file system at the beginning.
    """
    machine = rig.connect("monitor")
    base_mib = disk_use.of_container(rig, machine)
    size, changes = database(machine)
    time.sleep(WATCHED_S[length])
    grown, more = (after - before for after, before in zip(database(machine), (size, changes), strict=True))
    machine.close()
    found = {"disk_base_mib": Estimate.exact(round(base_mib)), "hard_state_changes": Estimate.exact(more)}
    return found | ({"disk_bytes_per_state_change": Estimate.exact(grown / more)} if more >= LEAST_CHANGES else {})


def database(machine: Machine) -> tuple[int, int]:
    """Bytes of Icinga DB's database and hard state changes in its history."""
    sql = "SELECT pg_database_size(current_database()), (SELECT count(*) FROM state_history WHERE state_type = 'hard')"
    told = machine.run(["runuser", "-u", "postgres", "--", "psql", "-At", "-d", "icingadb", "-c", sql]).stdout
    size, changes = told.strip().split("|")
    return int(size), int(changes)


SCENARIO = Scenario(
    name="storm",
    what=f"every service changes its state every {CHANGE_S} s",
    load=load,
    objectives=(objectives.GOODPUT, objectives.LATENESS, objectives.TO_DATABASE, objectives.MAILS, *objectives.ALWAYS),
    seconds={"short": 120, "full": 300},
    event=growth,
)

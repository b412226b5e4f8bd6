"""A host is added under load: Icinga takes in a new configuration, agents are disconnected and come back, and until then it is blind.

The last host of the fleet is that host: it pushes nothing, is forgotten at first, which is a reload of its own, and when all agents are
back and have pushed again, it comes as a new one does, by its own Puppet run and the monitor's.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime

from loadtest import objectives
from loadtest.estimate import Estimate
from loadtest.rig import Rig
from loadtest.scenarios import Length, Load, Scenario, steady
from loadtest.scenarios.collect import LONGEST_S
from provision import agents, icinga_api, puppet_server, pushing
from provision.puppet_run import CUT
from puppet_fixtures import fleet
from vm.errors import WatchpostError
from vm.wait import wait_until

PATIENCE_S = 120.0
LOOK_S = 0.5
"""Between two looks at who is connected: on one connection, as each handshake would cost a small machine more than what is looked for."""
APART_S = 8.0
"""Between the agents' return after one reload and the next one, so that every host is seen in between."""


def load(rig: Rig, ends_s: float, multiple: float) -> Load:
    """The steady load of all hosts but the last."""
    actors, streams = steady.load(rig, ends_s, multiple)
    name = rig.hosts[-1].certname
    absent = {name, f"puppet {name}"}
    return [one for one in actors if one.name not in absent], [one for one in streams if one.actor not in absent]


def add(rig: Rig, length: Length) -> dict[str, Estimate]:
    """Forget the host, let it come again; what the monitor's run and the agents' return took the second time. A run that is cut ends it, and adds nothing."""
    host, plan = rig.hosts[-1], rig.work.plan
    machine = rig.connect("puppet")
    with rig.work.ledger.undone("hosts", "monitor", "monitor again"):
        puppet_server.deactivate(machine, [host.certname])
        run = rig.work.agent_run("monitor", cut_s=LONGEST_S)
        if run.exit_code != CUT:
            reconnected(rig, len(rig.hosts) - 1)
            time.sleep(APART_S)
            facts = fleet.facts(host, datetime.now(UTC), plan.addresses[host.certname])
            agents.run_agents(plan.server, {host.certname: facts}, plan.nodes)
            puppet_server.wait_stored(machine)
            run = rig.work.agent_run("monitor", cut_s=LONGEST_S)
    machine.close()
    return {
        "adding_run_s": Estimate.exact(run.seconds), "adding_run_changed": Estimate.exact(run.changed),
        "reconnected_s": Estimate.exact(reconnected(rig, len(rig.hosts) - 1)),
    }  # fmt: skip


def reconnected(rig: Rig, agents: int, patience_s: float = PATIENCE_S) -> float:
    """Wait until so many agents are connected; seconds from now, patience_s where they are not by then."""
    began = time.monotonic()
    with contextlib.closing(icinga_api.Kept(pushing.access(rig.lab, rig.work.plan.nodes, rig.work.plan.ca))) as kept, contextlib.suppress(WatchpostError):
        wait_until(lambda: connected(kept, agents), reason="all agents connected again", deadline_s=patience_s, interval_s=LOOK_S)
    return min(patience_s, time.monotonic() - began)


def connected(kept: icinga_api.Kept, agents: int) -> bool:
    """Whether Icinga counts so many agents as connected."""
    try:
        return icinga_api.read_status(kept.get("/v1/status")).endpoints_connected >= agents
    except (WatchpostError, KeyError):  # it does not answer, or not yet with everything
        return False


SCENARIO = Scenario(
    name="reload",
    what="a host is added under load, and Icinga reloads",
    load=load,
    objectives=(objectives.BLIND, objectives.HOST_BLIND, objectives.ADDED, *objectives.ALWAYS),
    seconds={"short": 120, "full": 240},
    event=add,
)

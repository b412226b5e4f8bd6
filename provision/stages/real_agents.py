"""Real monitored machines, one of a Debian release each: started, converged by the same Puppet classes as every host, removed when no more asked for."""

from __future__ import annotations

from functools import partial

from provision import puppet_run, puppet_server, weakened
from provision.stages import Work, by_puppet, puppet, starting
from vm import artefact
from vm.drivers import container, machine_directory
from vm.hosting import HostingSpec
from vm.lab import AGENTS

SPEC = HostingSpec(vcpus=1, memory_mib=1024, disk_gib=4)
"""Enough for Puppet's agent; what it uses is not measured."""


def start(work: Work) -> None:
    """Start what is asked for."""
    for kind in work.plan.agents:
        starting.start(work, kind, "container", SPEC)


def converge(work: Work) -> None:
    """Each machine's own Puppet run, from which on its Icinga agent reports, and the same again: Puppet gives the summary of its runs the mode that the check needs from the second one on.

    Raises WatchpostError when the second run changes anything.
    """
    for kind in work.plan.agents:
        puppet.free_names(work, kind)

        def run(kind: str = kind) -> str:
            done, had_ended = work.converging_run(kind)
            update_lists(work, kind)
            again = work.agent_run(kind)
            puppet_run.must_change_nothing(kind, again)
            return f"{done.resources} resources, {done.changed} changed, and none again{had_ended}"

        inputs = [work.plan.code, work.ledger.done.get(f"start {kind}"), work.ledger.done.get("start puppet"), artefact.digest(work.plan.ca.read_text())]
        work.ledger.step(by_puppet(kind), inputs, run, live=partial(work.services_run, kind))
    if work.plan.agents:
        machine = work.connect("puppet")
        puppet_server.wait_stored(machine)
        machine.close()


def update_lists(work: Work, kind: str) -> None:
    """What its timer does next morning: until then its check would rightly say that its lists were never updated. A mirror that does not answer it is the check's to tell."""
    machine = work.connect(kind)
    try:
        machine.run(["timeout", "120", "systemctl", "start", "apt-daily.service"], check=False)
    finally:
        machine.close()


def remove(work: Work) -> None:
    """Machines of releases that are no more asked for; the monitor, whose run comes after, forgets them."""
    for kind in AGENTS.values():
        if kind in work.plan.agents or not machine_directory(work.lab, kind).exists():
            continue
        with work.stages.stage(f"remove {kind}"):
            container.destroy(work.lab, kind)
            weakened.forget(work.lab, kind)
            machine = work.connect("puppet")
            puppet_server.deactivate(machine, [work.lab.fqdn(kind)])
            machine.close()
            work.ledger.forget(f"start {kind}", f"names of {kind}", by_puppet(kind), "monitor", "monitor again")

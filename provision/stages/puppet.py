"""The lab's own Puppet server: the machine, what it compiles from, and the names that its CA has given away."""

from __future__ import annotations

from provision import deployment, machines, puppet_run, puppet_server, units
from provision.lab_plan import CONTROL_REPO
from provision.stages import Work, starting
from vm import artefact


def make(work: Work) -> None:
    """The machine `puppet`: started, code and data deployed, converged by its own manifest, answering."""
    plan, ledger = work.plan, work.ledger
    starting.start(work, "puppet", "container", machines.SUPPORT)
    machine = work.connect("puppet")

    def deploy() -> str:
        deployment.deploy(machine, CONTROL_REPO, plan.files)
        return f"{len(plan.roles)} hosts"

    started = ledger.done.get("start puppet")
    stale = ledger.done.get("code") != plan.code and puppet_server.is_active(machine)
    ledger.step("deploy", [plan.code, artefact.digest(plan.files), started], deploy)

    def apply() -> str:
        had_ended = units.start_ended(work.lab, "puppet", machine)
        run = puppet_run.run_puppet(machine, puppet_server.apply_argv(plan.server.name))
        puppet_server.pin_ca(machine, plan.ca)
        puppet_server.wait_ready(machine, plan.server)
        units.keep(work.lab, "puppet", machine)
        return f"{run.resources} resources, {run.changed} changed{had_ended}"

    def lives() -> bool:
        return units.ended(work.lab, "puppet", machine) == () and puppet_server.answers(plan.server)

    ledger.step("puppet server", [plan.code, started], apply, live=lives)
    if stale:
        with work.stages.stage("reload puppet server"):
            puppet_server.reload(machine)
    ledger.mark("code", plan.code)
    machine.close()


def free_names(work: Work, kind: str, *names: str) -> None:
    """A machine made anew has new keys: the certificates of the old one are revoked, or its requests would be refused."""

    def free() -> str:
        machine = work.connect("puppet")
        forgotten = puppet_server.forget(machine, [work.lab.fqdn(name) for name in (kind, *names)])
        machine.close()
        made_anew = work.connect(kind)
        made_anew.run(["rm", "-rf", puppet_server.SSL])  # a run cut short may have fetched the old certificate
        made_anew.close()
        return f"revoked {', '.join(forgotten)}" if forgotten else "all free"

    work.ledger.step(f"names of {kind}", [work.ledger.done.get("start puppet")], free)

"""The simulated hosts: certificates, catalogs, the daemons that answer for them, the agents that speak for them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from provision import agents, daemon, deployment, enrolment, puppet_server, pushing
from provision.lab_plan import CHECKOUT
from provision.ssh import Machine
from provision.stages import Work, monitor, puppet
from puppet_fixtures import fleet
from vm import artefact
from vm.drivers import container
from vm.errors import WatchpostError
from vm.progress import note


def enrol(work: Work) -> None:
    """Certificates of the simulated hosts and of the harness, by the real request path."""
    plan = work.plan
    names = [*plan.roles, work.lab.fqdn("harness")]
    secrets = {name: work.secrets.get(deployment.enrolment_secret(name)) for name in names}

    def ask() -> str:
        machine = work.connect("puppet")
        found = enrolment.enrol_all(plan.server, secrets, plan.nodes, machine.run)
        machine.close()
        for one in found:
            if one.outcome == "recovered":
                note(f"{one.certname}: {one.note}")
        fresh = sum(one.outcome != "kept" for one in found)
        return f"{fresh} new, {len(found) - fresh} kept"

    work.ledger.step("certificates", [sorted(names), artefact.digest(plan.ca.read_text())], ask)


def compile_catalogs(work: Work) -> None:
    """A Puppet run of every simulated host: catalog compiled by the server, exports stored, report sent."""
    plan = work.plan
    now = datetime.now(UTC)
    facts = {host.certname: fleet.facts(host, now, plan.addresses[host.certname]) for host in plan.hosts}

    def run() -> str:
        runs = agents.run_agents(plan.server, facts, plan.nodes)
        artefact.save(pushing.AgentRuns(runs=runs), work.lab.records / "agents.json")
        machine = work.connect("puppet")
        forget_removed(work, machine)
        puppet_server.wait_stored(machine)
        exported = puppet_server.query(machine, "resources[count()] { exported = true }")[0]["count"]
        machine.close()
        sizes = [run.resources for run in runs]
        return f"{min(sizes)}-{max(sizes)} resources a host, {exported} exported"

    data = {name: plan.files[f"nodes/{name}.yaml"] for name in plan.roles}
    inputs = [data, plan.code, artefact.digest(plan.ca.read_text())]
    work.ledger.step("hosts", inputs, run, live=lambda: exports_live(work))


def exports_live(work: Work) -> bool:
    """Whether PuppetDB still has what each host exported, and we its catalog."""
    if not all(enrolment.identity(work.plan.nodes, name).catalog.exists() for name in work.plan.roles):
        return False
    machine = work.connect("puppet")
    try:
        return set(work.plan.roles) <= set(puppet_server.exported(machine))
    except WatchpostError:
        return False
    finally:
        machine.close()


def forget_removed(work: Work, machine: Machine) -> None:
    """Take hosts that are no more part of the fleet out of PuppetDB, once; key and certificate are kept for when they come back. machine: the one with PuppetDB."""
    nodes = work.plan.nodes
    gone = sorted({path.parent.name for path in nodes.glob("*/catalog.json")} - set(work.plan.roles))
    puppet_server.deactivate(machine, gone)
    for name in gone:
        enrolment.identity(nodes, name).catalog.unlink()


def converge(work: Work) -> None:
    """The fleet's daemons, by the same classes that the hosts' catalogs have."""
    puppet.free_names(work, "fleet")

    def run() -> str:
        done, had_ended = work.converging_run("fleet")
        return f"{done.resources} resources, {done.changed} changed{had_ended}"

    # the relay's addresses follow the hosts there are
    inputs = [work.plan.code, work.ledger.done.get("start fleet"), work.plan.files["lab.yaml"]]
    work.ledger.step("fleet services", inputs, run, live=lambda: work.services_run("fleet"))


def push(work: Work, seed: int) -> None:
    """The simulated agents: a process that outlives this command, in the fleet's network namespace."""
    lab, plan = work.lab, work.plan
    spec = pushing.spec(lab, plan.hosts, plan.addresses, plan.nodes, plan.ca, seed)
    path = lab.records / "pusher.json"
    record = pushing.process(lab)
    leader = container.running(lab, "fleet")
    namespace = container.network_namespace(lab, "fleet")

    def begin() -> str:
        artefact.save(spec, path)
        if not daemon.shares(record, namespace):
            daemon.stop(record)  # the fleet was made anew: in the old one's network it reaches nobody
        if not pushing.tell(record):
            argv = ["nsenter", f"--net={namespace}", "--", sys.executable, "-m", "provision.pusher", str(path)]
            daemon.start(argv, lab.directory / "log" / "pusher.log", record, cwd=CHECKOUT)
        return f"{len(spec.hosts)} agents, {sum(len(host.checks) for host in spec.hosts)} checks"

    inputs = [spec.model_dump(mode="json"), leader.leader.pid if leader else 0]
    work.ledger.step("agents", inputs, begin, live=lambda: daemon.shares(record, namespace))


def ready(work: Work) -> None:
    """Until every host and service has a state and every agent is connected, the web lets its user in, and no state is bad. Raises WatchpostError naming those that stay so."""
    lab, plan = work.lab, work.plan
    at, real = pushing.access(lab, plan.nodes, plan.ca), [lab.fqdn(kind) for kind in plan.agents]

    def wait() -> str:
        pushing.wait_live(lab, plan.nodes, plan.ca, plan.monitored)
        web, bad = monitor.web_answers(work), pushing.must_be_good(at, real)
        return f"{pushing.wait_live(lab, plan.nodes, plan.ca, plan.monitored)}; {web}{bad}"

    def lives() -> bool:
        return pushing.is_live(lab, plan.nodes, plan.ca, plan.monitored) and pushing.stays_good(at, real) and monitor.web_lives(work)

    work.ledger.step("ready", [work.ledger.done.get("agents"), work.ledger.done.get("monitor"), plan.agents], wait, live=lives)

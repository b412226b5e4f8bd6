"""Bring a lab up: images, machines, Puppet, the simulated fleet, live states; each stage done once for its inputs.

Owns the order of the stages and what each depends on; how a stage works is in the modules it calls.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from provision import agents, daemon, deployment, enrolment, machines, puppet_run, puppet_server, pushing
from provision.ledger import Ledger
from provision.transport import Server
from puppet_fixtures import fleet
from vm import artefact, doctor
from vm.drivers import container, driver, hypervisor
from vm.errors import WatchpostError
from vm.hosting import HostingSpec
from vm.image import build
from vm.lab import KINDS, MAX_HOSTS, STATE, Lab
from vm.progress import Stages, note
from vm.secret_store import SecretStore

CHECKOUT = Path(__file__).resolve().parents[1]
CONTROL_REPO = CHECKOUT / "puppet_fixtures"


LATER = {
    "puppet": ("deploy", "puppet server", "certificates", "hosts", "fleet services", "monitor", "monitor again"),
    "fleet": ("fleet services", "agents", "ready"),
    "monitor": ("monitor", "monitor again", "ready"),
}
"""Stages whose results go with a machine: made anew, they are to do again, whatever their inputs."""


class Options(artefact.Record):
    """What the user asked for; kept with the lab, so that later commands need not be told again."""

    version: int = 1
    hosts: int
    seed: int = 1
    driver: str
    spec: HostingSpec
    collect_mode: str = "query"
    accelerator: str = "none"
    accelerator_reason: str = "a container runs natively"


class Collected(artefact.Record):
    """The monitor's converging runs and what collecting cost in the first of them."""

    version: int = 1
    mode: str
    first: puppet_run.PuppetRun
    second: puppet_run.PuppetRun | None = None


class Up:
    """One run of provision or simulate on one lab."""

    def __init__(self, lab: Lab, options: Options, stages: Stages, *, converge: bool = False) -> None:
        self.lab = lab
        self.options = options
        self.stages = stages
        self.converge = converge
        self.secrets = SecretStore(lab.secrets)
        self.ledger = Ledger(lab.records / "stages.json", stages)
        self.hosts = fleet.fleet(options.hosts, options.seed, lab.domain)
        self.roles = {host.certname: host.role for host in self.hosts}
        self.addresses = {host.certname: fleet.address(host, lab.network) for host in self.hosts}
        self.ca = lab.directory / "ca.pem"
        self.nodes = lab.directory / "nodes"
        self.server = Server(lab.fqdn("puppet"), str(lab.address("puppet")), 8140, self.ca)
        self.files = deployment.lab_files(
            lab, self.roles, self.addresses, options.spec, self.secrets, options.collect_mode
        )
        self.code = deployment.code_digest(CONTROL_REPO)

    # -- machines ---------------------------------------------------------------------------------------------------

    def image(self, kind: str) -> build.Image:
        """The image of a kind, built if need be."""
        found, cached = build.find_or_build(kind, CONTROL_REPO / "data")
        if not cached:
            note(f"{self.stages.elapsed():6.0f} s  image {kind}: built in {found.seconds:.0f} s, {found.packages} packages")
        return found

    def names(self) -> dict[str, IPv4Address]:
        """Every name of the lab's network: machines, Icinga's endpoint, all hosts there is room for."""
        names = {self.lab.fqdn(kind): self.lab.address(kind) for kind in KINDS}
        for host in fleet.fleet(MAX_HOSTS, self.options.seed, self.lab.domain):
            names[host.certname] = fleet.address(host, self.lab.network)
        return names

    def start(self, kind: str, driver_name: str, spec: HostingSpec) -> None:
        """Start a machine from its image and wait until it can be reached."""
        image = self.image(kind)
        inputs = [image.digest, driver_name, spec.model_dump(), self.options.accelerator if kind == "monitor" else ""]

        def begin() -> str:
            for name in ("container", "libvirt"):  # its image or size changed: it is made anew, with either driver
                driver(name).destroy(self.lab, kind)
            self.ledger.forget(f"names of {kind}", *LATER[kind])
            machines.start(self.lab, kind, driver_name, image, spec, self.options.accelerator, self.secrets)
            self.reach(kind)
            return f"{driver_name}, {spec}" if kind == "monitor" else driver_name

        if not self.ledger.step(f"start {kind}", inputs, begin, live=lambda: self.alive(kind, driver_name)):
            self.reach(kind)

    def start_monitor(self) -> None:
        """The monitor by the driver asked for; which accelerator a VM gets is decided with the image's own kernel."""
        if self.options.driver == "libvirt":
            name, reason = choose_accelerator(self.image("monitor").kernel)
            if name != self.options.accelerator:
                note(f"{self.stages.elapsed():6.0f} s  accelerator: {reason}")
            self.options = self.options.model_copy(update={"accelerator": name, "accelerator_reason": reason})
        artefact.save(self.options, self.lab.records / "options.json")
        self.start("monitor", self.options.driver, self.options.spec)

    def alive(self, kind: str, driver_name: str) -> bool:
        """Whether a machine runs."""
        return bool(driver(driver_name).running(self.lab, kind))

    def reach(self, kind: str) -> None:
        """Wait for SSH on a machine."""
        machine = machines.connect(self.lab, kind, self.secrets)
        machine.wait(240)
        machine.close()

    # -- stages -----------------------------------------------------------------------------------------------------

    def make_puppet(self) -> None:
        """The machine `puppet`: started, code and data deployed, converged by its own manifest, answering."""
        self.start("puppet", "container", machines.SUPPORT)
        machine = machines.connect(self.lab, "puppet", self.secrets)

        def deploy() -> str:
            deployment.deploy(machine, CONTROL_REPO, self.files)
            return f"{len(self.roles)} hosts"

        started = self.ledger.done.get("start puppet")
        stale = self.ledger.done.get("code") != self.code and puppet_server.is_active(machine)
        self.ledger.step("deploy", [self.code, artefact.digest(self.files), started], deploy)

        def apply() -> str:
            run = puppet_run.run_puppet(machine, puppet_server.apply_argv(self.lab.fqdn("puppet")))
            puppet_server.pin_ca(machine, self.ca)
            puppet_server.wait_ready(machine, self.server)
            return f"{run.resources} resources, {run.changed} changed"

        self.ledger.step("puppet server", [self.code, started], apply)
        if stale:
            with self.stages.stage("reload puppet server"):
                puppet_server.reload(machine)
        self.ledger.mark("code", self.code)
        machine.close()

    def enrol(self) -> None:
        """Certificates of the simulated hosts and of the harness, by the real request path."""
        names = [*self.roles, self.lab.fqdn("harness")]
        secrets = {name: self.secrets.get(deployment.enrolment_secret(name)) for name in names}

        def work() -> str:
            machine = machines.connect(self.lab, "puppet", self.secrets)
            found = enrolment.enrol_all(self.server, secrets, self.nodes, machine.run)
            machine.close()
            for one in found:
                if one.outcome == "recovered":
                    note(f"{one.certname}: {one.note}")
            fresh = sum(one.outcome != "kept" for one in found)
            return f"{fresh} new, {len(found) - fresh} kept"

        ca = artefact.digest(self.ca.read_text())
        self.ledger.step("certificates", [sorted(names), ca], work)

    def compile(self) -> None:
        """A Puppet run of every simulated host: catalog compiled by the server, exports stored, report sent."""
        now = datetime.now(UTC)
        facts = {host.certname: fleet.facts(host, now, self.addresses[host.certname]) for host in self.hosts}

        def work() -> str:
            runs = agents.run_agents(self.server, facts, self.nodes)
            artefact.save(pushing.AgentRuns(runs=runs), self.lab.records / "agents.json")
            machine = machines.connect(self.lab, "puppet", self.secrets)
            gone = self.removed()
            puppet_server.deactivate(machine, gone)
            puppet_server.wait_stored(machine)
            exported = puppet_server.query(machine, "resources[count()] { exported = true }")[0]["count"]
            machine.close()
            sizes = [run.resources for run in runs]
            return f"{min(sizes)}-{max(sizes)} resources a host, {exported} exported"

        self.ledger.step("hosts", [sorted(self.roles), self.code, artefact.digest(self.ca.read_text())], work)

    def removed(self) -> list[str]:
        """Hosts that had a catalog before and are no more part of the fleet; their identity is forgotten here."""
        present = set(self.roles) | {self.lab.fqdn("harness")}
        return sorted(path.name for path in self.nodes.iterdir() if path.name not in present) if self.nodes.exists() else []

    def free_names(self, kind: str, *names: str) -> None:
        """A machine made anew has new keys: the certificates of the old one are revoked, or its requests would be refused."""

        def work() -> str:
            machine = machines.connect(self.lab, "puppet", self.secrets)
            forgotten = puppet_server.forget(machine, [self.lab.fqdn(name) for name in (kind, *names)])
            machine.close()
            made_anew = machines.connect(self.lab, kind, self.secrets)
            made_anew.run(["rm", "-rf", puppet_server.SSL])  # a run cut short may have fetched the old certificate
            made_anew.close()
            return f"revoked {', '.join(forgotten)}" if forgotten else "all free"

        self.ledger.step(f"names of {kind}", [self.ledger.done.get("start puppet")], work)

    def agent_run(self, kind: str) -> puppet_run.PuppetRun:
        """One run of a machine's own Puppet agent."""
        machine = machines.connect(self.lab, kind, self.secrets)
        try:
            return puppet_run.run_puppet(machine, puppet_run.agent_argv(self.lab.fqdn("puppet"), self.lab.fqdn(kind)))
        finally:
            machine.close()

    def converge_fleet(self) -> None:
        """The fleet's daemons, by the same classes that the hosts' catalogs have."""
        self.free_names("fleet")

        def work() -> str:
            run = self.agent_run("fleet")
            return f"{run.resources} resources, {run.changed} changed"

        # the relay's addresses follow the hosts there are
        inputs = [self.code, self.ledger.done.get("start fleet"), self.files["lab.yaml"]]
        self.ledger.step("fleet services", inputs, work)

    def converge_monitor(self) -> None:
        """The monitor's stack and what it collects; then the proof that a second run changes nothing."""
        self.free_names("monitor", "icinga")
        path = self.lab.records / "collect.json"
        inputs = [self.code, artefact.digest(self.files), self.ledger.done.get("start monitor"), self.options.collect_mode,
                  self.ledger.done.get("hosts")]  # fmt: skip

        def work() -> str:
            first = self.agent_run("monitor")
            artefact.save(Collected(mode=self.options.collect_mode, first=first), path)
            return f"{first.resources} resources, {first.changed} changed, catalog {first.compile_s:.1f} s"

        def again() -> str:
            second = self.agent_run("monitor")
            artefact.save(artefact.load(Collected, path).model_copy(update={"second": second}), path)
            if second.exit_code != 0:
                raise WatchpostError(
                    f"the monitor's second Puppet run changed {second.changed} resources; it must change nothing",
                    "the run's output in the lab's log",
                )
            return f"{second.resources} resources, 0 changed"

        self.ledger.step("monitor", inputs, work)
        self.ledger.step("monitor again", inputs, again)

    def push(self) -> None:
        """The simulated agents: a process that outlives this command, in the fleet's network namespace."""
        spec = pushing.spec(self.lab, self.hosts, self.addresses, self.nodes, self.ca, self.options.seed)
        path = self.lab.records / "pusher.json"
        record = self.lab.directory / "pusher.pid.json"
        leader = container.running(self.lab, "fleet")

        def work() -> str:
            artefact.save(spec, path)
            if not pushing.tell(record):
                argv = ["nsenter", f"--net={container.network_namespace(self.lab, 'fleet')}", "--",
                        sys.executable, "-m", "provision.pusher", str(path)]  # fmt: skip
                daemon.start(argv, self.lab.directory / "log" / "pusher.log", record, cwd=CHECKOUT)
            return f"{len(spec.hosts)} agents, {sum(len(host.checks) for host in spec.hosts)} checks"

        inputs = [spec.model_dump(mode="json"), leader.leader.pid if leader else 0]
        self.ledger.step("agents", inputs, work, live=lambda: daemon.is_running(record))

    def ready(self) -> None:
        """Until every host and service has a state and every agent is connected."""
        self.ledger.step(
            "ready", [self.ledger.done.get("agents"), self.ledger.done.get("monitor")],
            lambda: pushing.wait_live(self.lab, self.nodes, self.ca, len(self.hosts)),
            live=lambda: pushing.is_live(self.lab, self.nodes, self.ca, len(self.hosts)),
        )  # fmt: skip

    def run(self) -> None:
        """All stages in order; images and machines side by side."""
        if self.converge:
            self.ledger.forget("puppet server", "hosts", "fleet services", "monitor", "monitor again")
        names = self.names()
        self.ledger.step(
            "network", [self.lab.model_dump(mode="json"), {key: str(value) for key, value in names.items()}],
            lambda: hypervisor.ensure_network(self.lab, names), live=lambda: hypervisor.network_runs(self.lab),
        )  # fmt: skip
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="make") as pool:
            puppet = pool.submit(self.make_puppet)
            self.start("fleet", "container", machines.SUPPORT)
            self.start_monitor()
            puppet.result()
            services = pool.submit(self.converge_fleet)
            self.enrol()
            self.compile()
            services.result()
        self.converge_monitor()
        self.push()
        self.ready()


def choose_accelerator(kernel: Path) -> tuple[str, str]:
    """The accelerator of a VM and why, by probing this host."""
    findings = doctor.examine(kernel, STATE / "probes.json")
    return doctor.accelerator(findings), doctor.accelerator_reason(findings)

"""Bring a lab up: images, machines, Puppet, the simulated fleet, live states; each stage done once for its inputs.

Owns the order of the stages; how a stage works is in provision/stages.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

from provision import lab_plan, machines, puppet_server
from provision.ledger import Ledger
from provision.options import Options
from provision.stages import (
    Work,
    by_puppet,
    existing_host,
    existing_puppet,
    fleet,
    host,
    monitor,
    puppet,
    real_agents,
    starting,
)
from provision.transport import Server
from vm.drivers import hypervisor
from vm.lab import AGENTS, Lab
from vm.progress import Stages
from vm.secret_store import SecretStore

CONVERGING = ("puppet server", *map(by_puppet, AGENTS.values()), "hosts", "fleet services", "monitor", "monitor again")
"""What --converge does again, whatever was done before."""


def up(lab: Lab, options: Options, stages: Stages, *, converge: bool = False) -> None:
    """Run the stages of a lab. Raises WatchpostError naming what failed; the same call again goes on from there."""
    if options.puppet_server:
        existing_puppet.trust(options.puppet_ca, lab_plan.ca_path(lab))
    work = work_of(lab, options, stages)
    if converge:
        work.ledger.forget(*CONVERGING)
    if not options.host:
        network(work, work.plan.names(options.seed))
    if options.puppet_server:
        with_existing_puppet(work, options)
    else:
        with_own_puppet(work, options)


def work_of(lab: Lab, options: Options, stages: Stages) -> Work:
    """What the stages of a lab need, for these options."""
    secrets = SecretStore(lab.secrets)
    server = Server(lab.fqdn("puppet"), str(lab.address("puppet")), 8140, lab_plan.ca_path(lab))
    if options.puppet_server:
        server = existing_puppet.server(options.puppet_server, lab_plan.ca_path(lab))
    seen_from = existing_host.look(lab, options.host).seen_from if options.host else lab.gateway
    ledger = Ledger(lab.records / "stages.json", stages)
    return Work(lab, lab_plan.plan(lab, options, secrets, server, seen_from), ledger, stages, secrets)


def network(work: Work, names: dict[str, IPv4Address]) -> None:
    """The lab's network, with the names that resolve in it."""
    inputs = [work.lab.model_dump(mode="json"), {name: str(address) for name, address in names.items()}]
    work.ledger.step(
        "network", inputs, lambda: hypervisor.ensure_network(work.lab, names), live=lambda: hypervisor.network_runs(work.lab)
    )


def with_own_puppet(work: Work, options: Options) -> None:
    """The whole lab; images and machines side by side."""
    host.look(work, {"puppet": "container", "fleet": "container", "monitor": options.driver} | dict.fromkeys(work.plan.agents, "container"))
    pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="make")
    try:
        server = pool.submit(puppet.make, work)
        starting.start(work, "fleet", "container", machines.SUPPORT)
        options = starting.start_monitor(work, options)
        real_agents.start(work)
        server.result()
        services = pool.submit(fleet.converge, work)
        fleet.enrol(work)
        fleet.compile_catalogs(work)
        services.result()
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)  # who interrupts does not want to wait for the other thread
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    puppet.free_names(work, "monitor", "icinga")
    real_agents.converge(work)
    real_agents.remove(work)
    machine = work.connect("puppet")
    monitor.converge(work, options, lambda: puppet_server.queries(machine))
    machine.close()
    fleet.push(work, options.seed)
    fleet.ready(work)


def with_existing_puppet(work: Work, options: Options) -> None:
    """The monitor alone, on the operator's own Puppet server; hosts are whatever that server's nodes export."""
    existing_puppet.write_bundle(work)
    if options.host:
        existing_host.prepare(work, options.puppet_server)
    else:
        host.look(work, {"monitor": options.driver})
        options = starting.start_monitor(work, options)
    existing_puppet.enrol(work)
    monitor.converge(work, options, lambda: None)
    existing_puppet.ready(work)
    if options.host:
        existing_host.changes(work)

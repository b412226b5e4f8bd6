"""A running lab as a load test needs it: its fleet, where everything answers, hands on its machines.

Owns taking the place of the lab's own simulated agents for the time of a load and giving it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.fleet_load import Site
from provision import daemon, lab_plan, machines, options, pushing, up
from provision.options import Options
from provision.pusher_spec import PusherSpec
from provision.ssh import Machine
from provision.stages import Work, fleet
from puppet_fixtures.simulated_host import SimulatedHost
from vm.artefact import write_file
from vm.drivers import container
from vm.errors import BadInput
from vm.lab import Lab
from vm.progress import Stages
from vm.secret_store import SecretStore

LIVE_S = 120
"""Agents look for a lost connection every 10 s, and Icinga gives them some time after its start."""


@dataclass(frozen=True)
class Rig:
    """A lab under test."""

    lab: Lab
    options: Options
    work: Work
    site: Site
    pusher: PusherSpec

    @property
    def hosts(self) -> tuple[SimulatedHost, ...]:
        """The simulated hosts."""
        return self.work.plan.hosts

    @property
    def namespace(self) -> Path:
        """The fleet's network namespace, which has no way out of the lab."""
        return container.network_namespace(self.lab, "fleet")

    def connect(self, kind: str) -> Machine:
        """Root on a machine of the lab."""
        return machines.connect(self.lab, kind, self.work.secrets)


def rig(lab: Lab) -> Rig:
    """The rig of a lab, once its states are live. Raises BadInput when there is none with a fleet of its own, WatchpostError when it does not become live."""
    asked = options.read(lab)
    if asked.puppet_server:
        raise BadInput(f"lab {lab.name} has no simulated hosts", str(options.path(lab)), "load-test a lab that has")
    if asked.compress > 1:
        raise BadInput(f"the checks of lab {lab.name} turn {asked.compress} times as often as they are meant to", str(options.path(lab)), "run `invoke simulate --compress 1` first, and give --multiple here")
    pushing.wait_live(lab, lab_plan.nodes_path(lab), lab_plan.ca_path(lab), asked.hosts, LIVE_S)
    work = up.work_of(lab, asked, Stages())
    secrets, plan, server = work.secrets, work.plan, work.plan.server
    site = Site(
        puppet_name=server.name, puppet_address=server.address, web_name=lab.fqdn("monitor"), web_address=str(lab.address("monitor")),
        ca=plan.ca, basic=pair(lab, secrets, "watchpost", "basic_auth"), login=pair(lab, secrets, "admin", "web_admin"),
    )  # fmt: skip
    pusher = pushing.spec(lab, plan.hosts, plan.addresses, plan.nodes, plan.ca, asked.seed)
    return Rig(lab, asked, work, site, pusher)


def pair(lab: Lab, secrets: SecretStore, user: str, name: str) -> Path:
    """A file with `USER:PASSWORD` for the generator, readable by root alone."""
    path = lab.directory / "load" / f"{name}.pair"
    write_file(path, f"{user}:{secrets.get(name)}\n")
    return path


@contextmanager
def instead_of_the_fleet(rig: Rig) -> Iterator[None]:
    """The lab's own agents are silent meanwhile (a host has one agent) and speak again afterwards, whatever happened."""
    daemon.stop(pushing.process(rig.lab))
    try:
        yield
    finally:
        fleet.push(rig.work, rig.options.seed)

"""The stages that bring a lab up, by machine; each is done once for its inputs. Their order is in provision/up.py."""

from __future__ import annotations

from dataclasses import dataclass

from provision import machines, puppet_run, units
from provision.lab_plan import LabPlan
from provision.ledger import Ledger
from provision.ssh import Machine
from vm.lab import AGENTS, Lab
from vm.progress import Stages
from vm.secret_store import SecretStore


def by_puppet(kind: str) -> str:
    """Name of the stage in which a real monitored machine's Puppet runs."""
    return f"{kind} by Puppet"


LATER = {
    "puppet": ("deploy", "puppet server", "certificates", "hosts", "fleet services", "monitor", "monitor again"),
    "fleet": ("fleet services", "agents", "ready"),
    "monitor": ("monitor", "monitor again", "ready"),
    **{kind: (by_puppet(kind), "monitor", "monitor again", "ready") for kind in AGENTS.values()},
}
"""Stages whose results go with a machine: made anew, they are to do again, whatever their inputs."""


@dataclass(frozen=True)
class Work:
    """What every stage needs: which lab, what is planned for it, what is done already."""

    lab: Lab
    plan: LabPlan
    ledger: Ledger
    stages: Stages
    secrets: SecretStore

    def connect(self, kind: str) -> Machine:
        """Root on a machine of the lab."""
        return machines.connect(self.lab, kind, self.secrets)

    def services_run(self, kind: str) -> bool:
        """Whether all services of a machine still run that ran when its stage was done."""
        machine = self.connect(kind)
        try:
            return units.ended(self.lab, kind, machine) == ()
        finally:
            machine.close()

    def converging_run(self, kind: str, environment: str = "production") -> tuple[puppet_run.PuppetRun, str]:
        """A run that brings a machine to what its stage is for, what had ended started first; what that was, in words."""
        machine = self.connect(kind)
        try:
            had_ended = units.start_ended(self.lab, kind, machine)
            run = self.agent_run(kind, environment)
            units.keep(self.lab, kind, machine)
            return run, had_ended
        finally:
            machine.close()

    def agent_run(
        self, kind: str, environment: str = "production", *, timeout_s: float = puppet_run.TIMEOUT_S, cut_s: float = 0
    ) -> puppet_run.PuppetRun:
        """One run of a machine's own Puppet agent. cut_s: after so long it is ended there. Raises WatchpostError when it fails or takes longer than timeout_s."""
        machine = self.connect(kind)
        try:
            argv = puppet_run.agent_argv(self.plan.server.name, self.lab.fqdn(kind), environment)
            return puppet_run.run_puppet(machine, argv, timeout_s=timeout_s, cut_s=cut_s)
        finally:
            machine.close()

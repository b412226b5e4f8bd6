"""What the user asked of a lab; kept with it, so that later commands need not be told again."""

from __future__ import annotations

from pathlib import Path

from vm import artefact
from vm.errors import BadInput
from vm.hosting import HostingSpec
from vm.lab import AGENTS, Lab


class Options(artefact.Record):
    """hosts: simulated ones. puppet_server: name of an existing server; empty, the lab makes one of its own.

    puppet_ca: the existing server's CA (PEM). smarthost: who takes the monitor's mail; empty, the fleet's mail sink.
    services: how many its agent pushes for each simulated host; 0 leaves it at what the role gives.
    compress: what the intervals of the simulated hosts' checks are divided by, for a rehearsal.
    agents: codenames of the releases of which the lab has a real monitored machine.
    host: an existing machine (root@ADDRESS) that becomes the monitor; driver is "host" then.
    """

    version: int = 1
    hosts: int
    services: int = 0
    compress: int = 1
    agents: tuple[str, ...] = ()
    seed: int = 1
    driver: str
    spec: HostingSpec
    collect_mode: str = "query"
    accelerator: str = "none"
    accelerator_reason: str = "a container runs natively"
    puppet_server: str = ""
    puppet_ca: str = ""
    puppet_environment: str = "production"
    smarthost: str = ""
    host: str = ""

    @property
    def agent_kinds(self) -> tuple[str, ...]:
        """The kinds of its real monitored machines."""
        return tuple(AGENTS[codename] for codename in self.agents)


def path(lab: Lab) -> Path:
    """Where a lab keeps them."""
    return lab.records / "options.json"


def find(lab: Lab) -> Options | None:
    """The options of a lab, None where there is none yet."""
    return artefact.load(Options, path(lab)) if path(lab).exists() else None


def read(lab: Lab) -> Options:
    """The options of a lab. Raises BadInput when there is no such lab."""
    found = find(lab)
    if found is None:
        raise BadInput(f"there is no lab {lab.name}", str(lab.directory), "run `invoke provision` first")
    return found


def keep(lab: Lab, options: Options) -> None:
    """Keep what was asked of a lab with it."""
    artefact.save(options, path(lab))

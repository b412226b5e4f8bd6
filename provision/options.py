"""What the user asked of a lab; kept with it, so that later commands need not be told again."""

from __future__ import annotations

from vm import artefact
from vm.hosting import HostingSpec


class Options(artefact.Record):
    """hosts: simulated ones. puppet_server: name of an existing server; empty, the lab makes one of its own.

    puppet_ca: the existing server's CA (PEM). smarthost: who takes the monitor's mail; empty, the fleet's mail sink.
    host: an existing machine (root@ADDRESS) that becomes the monitor; driver is "host" then.
    """

    version: int = 1
    hosts: int
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

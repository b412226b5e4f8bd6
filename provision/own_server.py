"""The operator's words about a Puppet server of theirs, and a machine that belongs to it; checked before anything is done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from provision.options import Options
from provision.stages import existing_host
from vm.errors import BadInput

NAME = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"


@dataclass(frozen=True)
class OwnServer:
    """The operator's words about a Puppet server of theirs, checked."""

    name: str
    ca: str
    environment: str
    smarthost: str
    host: str

    def applied(self, options: Options) -> Options:
        """The options of a lab with this server: no simulated hosts, and the machine as its monitor where one is named."""
        change: dict[str, object] = {
            "hosts": 0, "puppet_server": self.name, "puppet_ca": self.ca, "puppet_environment": self.environment, "smarthost": self.smarthost,
        }  # fmt: skip
        return options.model_copy(update=change | ({"host": self.host, "driver": "host"} if self.host else {}))


def own_server(server: str, ca: str, environment: str, smarthost: str, host: str, count: str) -> OwnServer | None:
    """The operator's own Puppet server and machine, None when no word speaks of one. Raises BadInput for words that do not fit."""
    if host:
        existing_host.parse(host)
    if not server and host:
        raise BadInput(
            "a machine elsewhere cannot reach a Puppet server inside a lab", "--host without --puppet-server",
            "name the Puppet server that it will belong to: --puppet-server NAME",
        )  # fmt: skip
    if not server:
        for option, word in (("--puppet-ca", ca), ("--puppet-environment", environment), ("--smarthost", smarthost)):
            if word:
                raise BadInput(f"{option} is about a Puppet server of your own, and none is named", option, "give --puppet-server too")
        return None
    if count:
        raise BadInput(
            "simulated hosts need a Puppet server that the lab may fill with them, not yours", "--hosts with --puppet-server",
            "leave --hosts out: the monitor collects what your own nodes export",
        )  # fmt: skip
    for option, word, pattern in (
        ("--puppet-server", server, NAME), ("--puppet-environment", environment or "production", r"[a-z0-9_]+"),
        ("--smarthost", smarthost, NAME),
    ):  # fmt: skip
        if not word:
            raise BadInput("who takes the monitor's mail is not said", option, "name the machine that relays mail for you")
        if not re.fullmatch(pattern, word):
            raise BadInput(f"{word!r} cannot be used here", option, "give a name in lower-case letters, digits, dots and dashes")
    if not Path(ca).is_file():
        raise BadInput(
            f"there is no CA certificate at {ca!r}", "--puppet-ca",
            "copy /etc/puppet/puppetserver/ca/ca_crt.pem (or $ssldir/certs/ca.pem) from that server and give the copy's name",
        )  # fmt: skip
    return OwnServer(server, str(Path(ca).resolve()), environment or "production", smarthost, host)

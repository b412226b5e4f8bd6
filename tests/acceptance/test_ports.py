"""What the machine reaches (HOST-6). That its hoster filters nothing only the rented machine can show."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from loadtest.generator import in_namespace
from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab
from vm.drivers import container

PORTS = {
    22: "SSH, SFTP and Git", 25: "mail", 80: "HTTP and APT", 443: "HTTPS", 873: "rsync", 5222: "XMPP clients", 5269: "XMPP servers", 8140: "the Puppet server",
    8333: "Bitcoin", 9001: "Tor relays", 9418: "git://", 51413: "BitTorrent",
}  # fmt: skip
LISTEN = """import json, socket, sys
held = []
for port in json.loads(sys.argv[2]):
    try:
        held.append(socket.create_server((sys.argv[1], port)))
    except OSError:  # one of the lab's own daemons is there
        pass
print("ready", flush=True)
sys.stdin.read()
"""
REACH = """import json, socket, sys
reached = []
for port in json.loads(sys.argv[2]):
    try:
        socket.create_connection((sys.argv[1], port), 3).close()
        reached.append(port)
    except OSError:
        pass
print(json.dumps(reached))
"""
BLOCK = "blocked_by_a_test"


@contextmanager
def listening(lab: LiveLab, address: str) -> Iterator[None]:
    """Somebody answers at every port of an address of the fleet."""
    argv = in_namespace(str(container.network_namespace(lab.lab, "fleet")), [sys.executable, "-c", LISTEN, address, json.dumps(list(PORTS))])
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield
    finally:
        process.communicate("", timeout=10)


def reached(monitor: Machine, address: str) -> set[int]:
    """The ports that the monitor can open a connection to."""
    return set(json.loads(monitor.run(["python3", "-c", REACH, address, json.dumps(list(PORTS))]).stdout))


@pytest.mark.requirement("HOST-6")
def test_host6_the_monitor_reaches_every_port_that_checks_and_mail_need(lab: LiveLab, record_property: Any) -> None:
    address, monitor = str(lab.lab.host_address(len(lab.hosts) + 1)), lab.machine("monitor")
    with listening(lab, address):
        assert reached(monitor, address) == set(PORTS)
        try:  # the control: a filter is seen
            monitor.run(["nft", f"add table inet {BLOCK}; add chain inet {BLOCK} out {{ type filter hook output priority 0; }}; add rule inet {BLOCK} out tcp dport 9001 drop"])
            assert reached(monitor, address) == set(PORTS) - {9001}
        finally:
            monitor.run(["nft", "delete", "table", "inet", BLOCK])
    monitor.close()
    record_property("evidence", f"reached: {', '.join(f'{port} ({what})' for port, what in PORTS.items())}; a filter on 9001 is seen")

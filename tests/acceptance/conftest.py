"""One live lab for all acceptance tests: made from nothing by the user's own command, removed by it at the end.

The lab has a name of its own, so that a lab somebody works with in this checkout is left alone.
WATCHPOST_TEST_LAB=NAME uses a running lab instead, for work on a test; test_vm.py and test_zz_destroy.py change it all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from provision import machines, puppet_run, pushing, weakened
from provision.accept import tests as accept_tests
from provision.ssh import Machine
from provision.transport import Server
from puppet_fixtures import fleet
from vm import lab as labs
from vm.secret_store import SecretStore

CHECKOUT = Path(__file__).resolve().parents[2]
TAG = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:6]
"""Of this checkout: the labs of its tests are not those of another one's."""
INVOKE = str(Path(sys.executable).parent / "invoke")
"""The user's command."""
HOSTS = 20


def invoke(*words: str, timeout_s: float = 1500) -> subprocess.CompletedProcess[str]:
    """The user's command; its progress is shown as it comes."""
    argv = [INVOKE, *words]
    print(f"\n$ invoke {' '.join(words)}", flush=True)
    return subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, timeout=timeout_s)


class LiveLab:
    """A running lab as the tests see it."""

    def __init__(self, name: str) -> None:
        self.lab = labs.of_name(name)
        self.store = SecretStore(self.lab.secrets)
        self.ca_path = self.lab.directory / "ca.pem"
        self.identities = self.lab.directory / "nodes"
        self.hosts = [host.certname for host in fleet.fleet(HOSTS)]
        self.web_name = self.lab.fqdn("monitor")
        self.web_address = str(self.lab.address("monitor"))
        self.puppet = Server(self.lab.fqdn("puppet"), str(self.lab.address("puppet")), 8140, self.ca_path)

    def secret(self, name: str) -> str:
        """A secret by its name in Hiera."""
        return self.store.get(name)

    def machine(self, kind: str) -> Machine:
        """Root on a machine."""
        return machines.connect(self.lab, kind, self.store)

    @property
    def kept(self) -> Path:
        """Where tests keep what is evidence: of `accept` the directory that it writes, else the lab's own."""
        return Path(os.environ.get(accept_tests.KEPT_IN) or self.lab.directory)

    def run_puppet(self, machine: Machine) -> puppet_run.PuppetRun:
        """A run of a machine's own Puppet agent."""
        return puppet_run.run_puppet(machine, puppet_run.agent_argv(self.puppet.name, machine.name))

    def status(self) -> dict[str, Any]:
        """What `invoke status --json` prints."""
        done = invoke("status", "--json", "--lab", self.lab.name)
        assert done.returncode == 0
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def api(self) -> Any:
        """Access to Icinga's API."""
        return pushing.access(self.lab, self.identities, self.ca_path)

    def invoke(self, *words: str, timeout_s: float = 1500) -> subprocess.CompletedProcess[str]:
        """A command on this lab."""
        return invoke(*words, "--lab", self.lab.name, timeout_s=timeout_s)


@pytest.fixture(scope="session")
def lab() -> Iterator[LiveLab]:
    """The lab, with the monitor as a container at first; test_vm.py makes it a VM."""
    given = os.environ.get("WATCHPOST_TEST_LAB", "")
    name = given or f"test-{TAG}"
    live = LiveLab(name)
    if given:
        left = [one.what for one in weakened.known(live.lab)]
        assert not left, f"lab {name} is weakened, and would show nothing: {left}; `invoke provision` takes it back"
        yield live
        return
    assert invoke("destroy", "--yes", "--lab", name).returncode == 0
    try:
        done = live.invoke("provision", "--driver", "container", "--hosts", str(HOSTS), "--json")
        assert done.returncode == 0, "provision failed; its words are above"
        yield live
    finally:
        if not os.environ.get("WATCHPOST_KEEP_LAB"):
            invoke("destroy", "--yes", "--lab", name)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """What changes the lab comes last: the VM takes the container's place, destroy ends it. -k matches requirement ids. And for `accept`: which tests there are, and which of them were asked for."""
    named = {item: tuple(one for mark in item.iter_markers("requirement") for one in mark.args) for item in items}
    for item, ids in named.items():
        item.extra_keyword_matches.update(ids)
    order = {"test_vm.py": 1, "test_zz_destroy.py": 2}
    items.sort(key=lambda item: order.get(item.path.name, 0))
    yield
    if target := os.environ.get(accept_tests.COLLECTED_TO):
        asked = set(items)
        cases = [accept_tests.Case(node=item.nodeid, ids=ids, project=item.get_closest_marker("project") is not None, asked=item in asked) for item, ids in named.items()]
        Path(target).write_bytes(accept_tests.CASES.dump_json(tuple(cases)))

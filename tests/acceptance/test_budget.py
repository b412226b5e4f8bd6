"""Services of the monitor are sized by the hosting spec and not by the memory that the machine sees: in a container that is the host's."""

from __future__ import annotations

import os

import pytest

from provision import options
from tests.acceptance.conftest import LiveLab

MIB = 2**20


@pytest.mark.project
def test_services_are_sized_by_the_hosting_spec(lab: LiveLab) -> None:
    spec_mib = options.read(lab.lab).spec.memory_mib
    host_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    assert host_mib > 2 * spec_mib, "on this host the test could not tell one from the other"
    machine = lab.machine("monitor")
    limit = {unit: int(machine.run(["systemctl", "show", "--value", "--property=MemoryMax", unit]).stdout) / MIB for unit in ("icinga2", "icingadb", "valkey-server")}
    assert limit["icinga2"] == max(384, spec_mib * 30 // 100)
    assert limit["icingadb"] == max(192, spec_mib * 15 // 100)
    shared = machine.run(["runuser", "-u", "postgres", "--", "psql", "-At", "--command", "SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'"]).stdout
    assert int(shared) == max(64, spec_mib * 125 // 1000) * MIB
    pools = machine.run(["grep", "-hr", "^pm.max_children", "/etc/php"]).stdout
    assert f"= {max(3, spec_mib * 20 // 100 // 64)}\n" in pools
    machine.close()

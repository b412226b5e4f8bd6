"""What is reviewed when the fleet changes: a file a host, and nothing else (CONF-3, CONF-4)."""

from __future__ import annotations

from typing import Any

import pytest

from puppet_fixtures import fleet
from tests.acceptance.conftest import HOSTS, LiveLab

HOSTS_OF = "/etc/icinga2/watchpost.d/hosts/"


def files(lab: LiveLab) -> dict[str, str]:
    """Digest of each file of Icinga's configuration on the monitor."""
    machine = lab.machine("monitor")
    told = machine.run(["find", "/etc/icinga2", "-type", "f", "-exec", "sha256sum", "{}", "+"]).stdout
    machine.close()
    return {path: digest for digest, path in (line.split("  ", 1) for line in told.splitlines())}


@pytest.mark.requirement("CONF-3", "CONF-4")
def test_a_host_more_is_one_file_more_and_one_less_leaves_every_byte_as_it_was(lab: LiveLab, record_property: Any) -> None:
    before = files(lab)
    new = fleet.fleet(HOSTS + 1)[-1].certname
    assert lab.invoke("simulate", "--hosts", str(HOSTS + 1)).returncode == 0
    grown = files(lab)
    assert set(grown) - set(before) == {f"{HOSTS_OF}{new}.conf"}
    assert {path: grown[path] for path in before} == before, "no global file, and no other host's"
    assert lab.invoke("simulate", "--hosts", str(HOSTS)).returncode == 0
    assert files(lab) == before
    record_property("evidence", f"{new}: one file more than {len(before)}, none of which changed; without it again, the same bytes")

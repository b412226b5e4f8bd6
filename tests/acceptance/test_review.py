"""What is reviewed when the fleet changes: a file a host, and nothing else (CONF-3, CONF-4); the monitor is made of the same parts whatever the fleet (ADEQ-2)."""

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


def components(lab: LiveLab) -> tuple[set[str], set[str]]:
    """What the monitor consists of: services that run, and packages."""
    machine = lab.machine("monitor")
    units = machine.run(["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"]).stdout
    packages = machine.run(["dpkg-query", "--show", "--showformat=${Package}\\n"]).stdout
    machine.close()
    return {line.split()[0] for line in units.splitlines() if not line.startswith(("user@", "session"))}, set(packages.split())


def files_of(hosts: int) -> set[str]:
    """Where the monitor keeps the simulated hosts."""
    return {f"{HOSTS_OF}{host.certname}.conf" for host in fleet.fleet(hosts)}


def resized(lab: LiveLab, hosts: int) -> dict[str, str]:
    """The files after the fleet grew or shrank, which rebuilt nothing."""
    assert lab.invoke("simulate", "--hosts", str(hosts)).returncode == 0
    found = lab.status()
    assert sum(found["hosts"].values()) == found["hosts"]["up"] == hosts
    assert not [stage for stage in found["stages"] if stage["name"].startswith("start")]
    return files(lab)


@pytest.mark.requirement("ADEQ-2", "CONF-3", "CONF-4")
@pytest.mark.parametrize("hosts", [5, pytest.param(50, marks=pytest.mark.thorough)])
def test_a_host_is_one_file_and_leaves_every_other_byte_and_every_part_as_it_was(lab: LiveLab, hosts: int, record_property: Any) -> None:
    """From 20 to fewer or more, and to 20 again: what differs are the hosts' own files."""
    before, made_of = files(lab), components(lab)
    assert "icinga2.service" in made_of[0] and files_of(HOSTS) < set(before)
    found = resized(lab, hosts)
    assert components(lab) == made_of
    assert set(found) ^ set(before) == files_of(hosts) ^ files_of(HOSTS)
    assert {path: found[path] for path in set(found) & set(before)} == {path: before[path] for path in set(found) & set(before)}, "no global file, and no other host's"
    assert resized(lab, HOSTS) == before
    record_property(
        "evidence",
        f"with {HOSTS} and {hosts} hosts the same {len(made_of[0])} services run and the same {len(made_of[1])} packages are installed;"
        f" a file a host differs, none of {len(before)} others; with 20 again, the same bytes",
    )

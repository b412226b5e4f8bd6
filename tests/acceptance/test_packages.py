"""What is installed on the monitor: of Debian stable's main archive, all of it (AVAIL-3, AVAIL-5), and which known holes it has (AVAIL-4)."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from provision.ssh import Machine
from tests.acceptance.conftest import CHECKOUT, LiveLab
from vm.image import supply

SERVERS = ("icinga2-bin", "icingadb", "icingadb-web", "icingaweb2", "postgresql-17", "valkey-server", "nginx", "postfix", "puppet-agent", "tor")


RELEASES = supply.STORE.apt / "state/lists"
"""Where the harness keeps what the mirror says of its suites."""


def of_main(section: str) -> bool:
    """Whether a package's section is of the archive area main, which alone is free by Debian's guidelines."""
    return bool(section) and "/" not in section


def installed(machine: Machine) -> dict[str, tuple[str, str]]:
    """Version and section of each installed package."""
    told = machine.run(["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status} ${Section}\\n"]).stdout
    rows = [line.split() for line in told.splitlines()]
    return {row[0]: (row[1], row[3]) for row in rows if len(row) == 4 and row[2] == "installed"}


@pytest.mark.requirement("AVAIL-5")
def test_every_package_of_the_monitor_is_of_main(lab: LiveLab, record_property: Any) -> None:
    assert not of_main("non-free/admin") and not of_main("contrib/net") and not of_main("")
    machine = lab.machine("monitor")
    found = installed(machine)
    machine.close()
    assert set(SERVERS) <= set(found)
    assert [name for name, (_, section) in found.items() if not of_main(section)] == []
    record_property("evidence", f"{len(found)} packages, all of main; " + ", ".join(f"{name} {found[name][0]}" for name in SERVERS))


@pytest.mark.requirement("AVAIL-3")
def test_the_server_is_of_debian_stable(lab: LiveLab, record_property: Any) -> None:
    """What runs is what the lock names, and the lock's suite is what the mirror calls stable."""
    locked = json.loads((CHECKOUT / "vm/image/locks/monitor.json").read_text())
    versions = {one["name"]: one["version"] for one in locked["packages"]}
    machine = lab.machine("monitor")
    found = installed(machine)
    machine.close()
    assert {name: found[name][0] for name in SERVERS} == {name: versions[name] for name in SERVERS}
    releases = [dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line) for path in RELEASES.glob(f"*_{locked['suite']}_InRelease")]
    assert releases and {(one["Origin"], one["Suite"], one["Codename"]) for one in releases} == {("Debian", "stable", locked["suite"])}
    record_property("evidence", f"{locked['suite']} is Debian {releases[0].get('Version', '')} stable: " + ", ".join(f"{name} {found[name][0]}" for name in SERVERS))


@pytest.mark.requirement("AVAIL-4")
def test_known_holes_are_told_and_what_needs_no_account_is_mended_or_walled(lab: LiveLab, record_property: Any) -> None:
    """By what the packages' own changelogs say: a report, and no silence."""
    table = tomllib.loads((CHECKOUT / "docs/advisories.toml").read_text())
    machine = lab.machine("monitor")
    mended: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for one in table["advisory"]:
        changes = machine.run(["zcat", f"/usr/share/doc/{one['package']}/changelog.Debian.gz"]).stdout
        (mended if one["id"] in changes else left).append(one)
    machine.close()
    assert {"CVE-2024-49369", "GHSA-vj39-ww8j-vvx5"} <= {one["id"] for one in mended}, "control: changelogs are read"
    assert "GHSA-0000-0000-0000" not in changes
    record_property("evidence", f"as of {table['looked_up']}: mended {', '.join(one['id'] for one in mended)}")
    for one in left:
        record_property("evidence", f"not mended: {one['id']} ({one['on']}, needs {one['needs']}): {one['text']}; here: {one.get('here', 'nothing')}")
    assert not [one["id"] for one in left if not one.get("here")]

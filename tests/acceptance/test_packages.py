"""What is installed on the monitor: of Debian's main archive, all of it (AVAIL-5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.conftest import LiveLab

SERVERS = ("icinga2-bin", "icingadb", "icingadb-web", "icingaweb2", "postgresql-17", "valkey-server", "nginx", "postfix", "puppet-agent", "tor")


def of_main(section: str) -> bool:
    """Whether a package's section is of the archive area main, which alone is free by Debian's guidelines."""
    return bool(section) and "/" not in section


@pytest.mark.requirement("AVAIL-5")
def test_every_package_of_the_monitor_is_of_main(lab: LiveLab, record_property: Any) -> None:
    assert not of_main("non-free/admin") and not of_main("contrib/net") and not of_main("")
    machine = lab.machine("monitor")
    told = machine.run(["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status} ${Section}\\n"]).stdout
    machine.close()
    rows = [line.split() for line in told.splitlines()]
    installed = {row[0]: (row[1], row[3]) for row in rows if len(row) == 4 and row[2] == "installed"}
    assert set(SERVERS) <= set(installed)
    assert [name for name, (_, section) in installed.items() if not of_main(section)] == []
    record_property("evidence", f"{len(installed)} packages, all of main; " + ", ".join(f"{name} {installed[name][0]}" for name in SERVERS))

"""destroy removes what the lab owns and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vm import cgroups
from vm.command import run
from vm.drivers.hypervisor import network_name


def traces(lab: Any) -> list[str]:
    """Everything on this host that names the lab or its addresses."""
    one = lab.lab
    found = []
    if one.directory.exists():
        found.append(str(one.directory))
    if one.bridge in run(["ip", "-o", "link"]).stdout:
        found.append(f"bridge {one.bridge}")
    if str(one.network.network_address)[:-1] in run(["ip", "-4", "route"]).stdout:
        found.append(f"a route to {one.network}")
    if one.bridge in run(["iptables-save"]).stdout:
        found.append("a firewall rule")
    if one.name in Path("/proc/mounts").read_text():
        found.append("a mount")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        # the test's own commands name the lab too, but not its directory
        if str(one.directory).encode() in line or network_name(one).encode() in line:
            found.append(line.replace(b"\0", b" ").decode(errors="replace")[:200])
    for kind in ("puppet", "monitor", "fleet"):
        found += [str(path) for path in cgroups.groups(one.name, kind).values() if path.exists()]
    return found


def test_destroy_leaves_nothing(lab: Any) -> None:
    before = traces(lab)
    assert any("bridge" in one for one in before), "the search itself finds nothing"
    assert any("qemu" in one for one in before)
    assert lab.invoke("destroy", "--yes").returncode == 0
    assert traces(lab) == []
    assert lab.invoke("destroy", "--yes").returncode == 0  # again: nothing to do is no error

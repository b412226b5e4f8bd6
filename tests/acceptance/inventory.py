"""Everything on this host that names a lab, its bridge or its addresses: what destroy has to remove."""

from __future__ import annotations

from pathlib import Path

from vm import cgroups
from vm.command import run
from vm.drivers import machine_directory, own_disk
from vm.drivers.hypervisor import network_name, try_connect
from vm.lab import KINDS, Lab


def traces(one: Lab) -> list[str]:
    """Traces of a lab, in words; its lock file, which outlives it, is none."""
    found = []
    if one.directory.exists():
        found.append(f"directory {one.directory}")
    links = run(["ip", "-o", "link"]).stdout.splitlines()
    found += [f"link {line}" for line in links if one.bridge in line or f"-{one.name}-"[:12] in line]
    prefix = str(one.network.network_address).rsplit(".", 1)[0] + "."
    found += [f"route {line}" for line in run(["ip", "-4", "route"]).stdout.splitlines() if prefix in line]
    for tool in (["iptables-save"], ["nft", "list", "ruleset"]):
        rules = run(tool, check=False).stdout.splitlines()
        found += [f"{tool[0]} rule {line.strip()}" for line in rules if one.bridge in line or prefix in line]
    found += [f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if str(one.directory) in line]
    for kind in KINDS:
        found += [f"loop device {device}" for device in own_disk.devices(machine_directory(one, kind))]
    hypervisor = try_connect()
    if hypervisor is not None:
        names = [*hypervisor.listDefinedDomains(), *(domain.name() for domain in hypervisor.listAllDomains())]
        names += [network.name() for network in hypervisor.listAllNetworks()]
        found += [f"libvirt object {name}" for name in names if network_name(one) in name]
        hypervisor.close()
    found += [f"libvirt file {path}" for path in Path("/etc/libvirt").rglob("*.xml") if network_name(one) in path.name]  # there whether it runs or not
    found += [f"libvirt log {path}" for kind in KINDS for path in Path("/var/log/libvirt").rglob(f"{network_name(one)}-{kind}.log*")]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        # the test's own commands name the lab too, but not its directory
        if str(one.directory).encode() in line or network_name(one).encode() in line:
            found.append("process " + line.replace(b"\0", b" ").decode(errors="replace")[:200])
    for kind in KINDS:
        found += [f"control group {path}" for path in cgroups.groups(one.name, kind).values() if path.exists()]
    return found

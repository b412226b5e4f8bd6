"""libvirt on this host: the connection (started where no systemd does it) and the lab's network."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2
import libvirt

from vm import artefact, processes
from vm.command import run
from vm.errors import BadInput, WatchpostError
from vm.lab import POOLS, STATE, Lab
from vm.wait import wait_until

URI = "qemu:///system"
NAMESPACE = "urn:watchpost:lab:1"
DAEMONS = ("virtlogd", "libvirtd")
STARTED = STATE / "libvirt-daemons.json"
"""Beside the labs, not in one: the last lab stops what the first one started."""
DEFINED_NETWORKS = Path("/etc/libvirt/qemu/networks")
"""Where libvirt keeps a network that is defined, also while it does not run (libvirt's documentation of its network driver)."""
NOWHERE = ("blackhole", "prohibit", "throw", "unreachable")
"""Types of routes that only refuse what no narrower route takes (ip-route(8))."""
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.StrictUndefined, autoescape=True,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


class StartedDaemons(artefact.Record):
    """libvirt's daemons that a lab started because nobody else had."""

    version: int = 2
    processes: tuple[processes.OwnedProcess, ...]
    kvm_mode: int | None = None


def silence(_: object, __: object) -> None:
    """libvirt prints every error to stderr unless told not to; we raise them instead."""


libvirt.registerErrorHandler(silence, None)


def try_connect() -> libvirt.virConnect | None:
    """A connection, or None when libvirt does not answer."""
    try:
        return libvirt.open(URI)
    except libvirt.libvirtError:
        return None


@contextmanager
def connection(lab: Lab | None = None) -> Iterator[libvirt.virConnect]:
    """A connection to the system's libvirt; with a lab, its daemons are started when nothing else starts them.

    Raises WatchpostError when libvirt does not answer.
    """
    found = try_connect()
    if found is None and lab is not None:
        start_daemons()
        found = wait_until(try_connect, reason="libvirtd's socket", deadline_s=30)
    if found is None:
        raise WatchpostError("libvirt does not answer", URI, "start libvirtd, or run `invoke provision`, which does")
    try:
        yield found
    finally:
        found.close()


def open_kvm_to_qemu() -> int | None:
    """Give /dev/kvm the group and mode of Debian's udev rule where no udev runs; returns the mode it had, or None.

    libvirt probes QEMU with CAP_DAC_OVERRIDE but asks as QEMU's user whether /dev/kvm is usable: where the answers differ
    it probes again at every look (seen: 20 times, 84 s for one start of a domain). Which accelerator a machine gets is
    decided elsewhere.
    """
    node = Path("/dev/kvm")
    if not node.is_char_device() or Path("/run/udev/control").exists():
        return None
    mode = stat.S_IMODE(node.stat().st_mode)
    if mode & 0o060 == 0o060:
        return None
    shutil.chown(node, group="kvm")
    node.chmod(0o660)
    return mode


def remembered() -> StartedDaemons:
    """The daemons that a lab started and that still run; none where nobody knows of any."""
    try:
        found = artefact.load(StartedDaemons, STARTED)
    except BadInput:  # there is no record, or one of another version of ours: nobody knows any more whether they are the same processes
        return StartedDaemons(processes=())
    return found.model_copy(update={"processes": tuple(one for one in found.processes if processes.alive(one))})


def start_daemons() -> None:
    """Start virtlogd and libvirtd, whichever does not run, and remember them as ours."""
    if Path("/run/systemd/system").exists():
        run(["systemctl", "start", "virtlogd.socket", "libvirtd.socket"])
        return
    before, kvm_mode = remembered(), open_kvm_to_qemu()
    mine = list(before.processes)
    for name in DAEMONS:
        pid_file = Path(f"/run/{name}.pid")

        def running(path: Path = pid_file, name: str = name) -> int | None:
            pid = int(path.read_text() or 0) if path.exists() else 0
            live = pid and processes.start_ticks(pid) is not None
            return pid if live and name in processes.name(pid) else None

        if running() is None:
            run([name, "--daemon"])
            mine.append(processes.owned(wait_until(running, reason=f"{name} to start", deadline_s=20)))
    artefact.save(StartedDaemons(processes=tuple(mine), kvm_mode=before.kvm_mode if kvm_mode is None else kvm_mode), STARTED)


def stop_daemons() -> None:
    """Stop libvirt's daemons if a lab started them and nothing uses them any more."""
    if not STARTED.exists():
        return
    connected = try_connect()
    if connected is not None:
        others = connected.numOfDomains() + connected.numOfNetworks() + connected.numOfDefinedDomains()
        connected.close()
        if others:
            return
    started = remembered()
    for process in reversed(started.processes):
        processes.end(process)
    if started.kvm_mode is not None:
        Path("/dev/kvm").chmod(started.kvm_mode)
        shutil.chown("/dev/kvm", group="root")
    STARTED.unlink()


def network_name(lab: Lab) -> str:
    """Name of the lab's network."""
    return f"watchpost-{lab.name}"


def network_xml(lab: Lab, names: Mapping[str, IPv4Address]) -> str:
    """The network: NAT, fixed names, no DHCP (machines bring their addresses)."""
    return TEMPLATES.get_template("network.xml.j2").render(
        name=network_name(lab), namespace=NAMESPACE, lab=lab, names=sorted(names.items())
    )


def taken(wanted: IPv4Network, routes: Sequence[Mapping[str, Any]]) -> tuple[IPv4Network, str] | None:
    """The first of a host's routes (`ip -j route`) that overlaps a subnet, and how it reads. A wider one that leads nowhere is nobody's network. Pure."""
    for route in routes:
        if route["dst"] == "default":
            continue
        network, kind = IPv4Network(route["dst"]), route.get("type", "unicast")
        if network.overlaps(wanted) and not (kind in NOWHERE and network.prefixlen < wanted.prefixlen):
            way = [kind] * (kind != "unicast") + [str(network)] + [f"{word} {route[key]}" for word, key in (("via", "gateway"), ("dev", "dev")) if key in route]
            return network, " ".join(way)
    return None


def refuse_taken_subnet(wanted: IPv4Network) -> None:
    """Raises WatchpostError when a route of this host overlaps the lab's subnet."""
    found = taken(wanted, json.loads(run(["ip", "-4", "-j", "route", "show"]).stdout or "[]"))
    if found is None:
        return
    network, way = found
    todo = "use --lab NAME: another name has another subnet"
    if all(network.supernet_of(pool) for pool in POOLS):
        todo = f"no other name helps, as every lab's network is in {' or '.join(map(str, POOLS))}: narrow that route or take it away (a VPN's, often) while the lab is there, or use a machine without it"
    raise WatchpostError(f"the lab's network {wanted} overlaps a route of this host: {way}", "ip route", todo)


def ensure_network(lab: Lab, names: Mapping[str, IPv4Address]) -> None:
    """Make the lab's network run with these names; names of a running network are brought up to date live."""
    with connection(lab) as hypervisor:
        xml = network_xml(lab, names)
        try:
            network = hypervisor.networkLookupByName(network_name(lab))
        except libvirt.libvirtError:
            refuse_taken_subnet(lab.network)
            network = hypervisor.networkDefineXMLFlags(xml, libvirt.VIR_NETWORK_DEFINE_VALIDATE)
        refuse_foreign(network.XMLDesc(), lab)
        if network.isActive():
            bring_up_to_date(network, names)
        else:
            network.create()


def names_in(xml: str) -> dict[str, str]:
    """Addresses by name in a network's XML (pure)."""
    hosts = ElementTree.fromstring(xml).iterfind("dns/host")
    return {str(name.text): str(host.get("ip")) for host in hosts for name in host.iterfind("hostname")}


def bring_up_to_date(network: libvirt.virNetwork, names: Mapping[str, IPv4Address]) -> None:
    """Let a running network know these names and no others; nothing is done where they are the same."""
    have, want = names_in(network.XMLDesc()), {name: str(address) for name, address in names.items()}
    gone = [(name, address) for name, address in have.items() if want.get(name) != address]
    new = [(name, address) for name, address in want.items() if have.get(name) != address]
    flags = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    for command, rows in ((libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, gone), (libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, new)):
        for name, address in rows:
            entry = f"<host ip='{address}'><hostname>{name}</hostname></host>"
            network.update(command, libvirt.VIR_NETWORK_SECTION_DNS_HOST, -1, entry, flags)


def wake(lab: Lab) -> None:
    """Have libvirt answer where it still knows this lab, as after a restart of the host; else a later lab's libvirt would bring the network up again."""
    if (DEFINED_NETWORKS / f"{network_name(lab)}.xml").exists():
        with connection(lab):
            pass


def destroy_network(lab: Lab) -> None:
    """Remove the lab's network; it must carry the lab's mark."""
    hypervisor = try_connect()
    if hypervisor is None:
        return
    try:
        network = hypervisor.networkLookupByName(network_name(lab))
        refuse_foreign(network.XMLDesc(), lab)
        if network.isActive():
            network.destroy()
        network.undefine()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
            raise WatchpostError(f"libvirt does not remove the lab's network: {error}", network_name(lab), "look at it with virsh, then run the same command again") from error
    finally:
        hypervisor.close()


def refuse_foreign(xml: str, lab: Lab) -> None:
    """Raises WatchpostError unless a libvirt object's metadata names this lab."""
    mark = ElementTree.fromstring(xml).find(f"metadata/{{{NAMESPACE}}}lab")
    if mark is None or mark.get("name") != lab.name:
        raise WatchpostError(
            "an object of libvirt has the lab's name but not its mark; it is left alone", lab.name,
            "look at it with virsh and remove it yourself if it is yours",
        )  # fmt: skip


def network_runs(lab: Lab) -> bool:
    """Whether the lab's network is up."""
    hypervisor = try_connect()
    if hypervisor is None:
        return False
    try:
        return bool(hypervisor.networkLookupByName(network_name(lab)).isActive())
    except libvirt.libvirtError:
        return False
    finally:
        hypervisor.close()

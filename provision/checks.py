"""What tasks need besides their one function: the user's words checked against the lab."""

from __future__ import annotations

import os
from pathlib import Path

from provision.options import Options, find, path, read
from provision.own_server import OwnServer
from vm.artefact import write_file
from vm.drivers import driver
from vm.drivers import host as hosts
from vm.errors import BadInput
from vm.hosting import DEFAULT_SPEC, HostingSpec
from vm.image import build
from vm.lab import KINDS, MAX_HOSTS, RELEASES, Lab
from vm.secret_store import SecretStore

DEFAULT_HOSTS = 20
DEFAULT_DRIVER = "libvirt"
MIN_MONITOR = HostingSpec(vcpus=1, memory_mib=512, disk_gib=4)
"""What a new lab gets at least; a load test tries smaller sizes, and shows that they fail."""
MAX_SERVICES = 150
"""With what the monitor checks itself, a host stays below the number that monitoring::collector accepts of it."""
MAX_COMPRESS = 60
"""The class `monitoring` takes no more: the usual minute becomes a second."""
COLLECT_MODES = ("query", "realise")


def number(text: str, option: str) -> int:
    """A whole number that the user gave. Raises BadInput naming the option."""
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no whole number", option, f"write for example {option} {DEFAULT_HOSTS}") from error


def root(command: str) -> None:
    """Raises BadInput when somebody else than root makes or removes machines and networks."""
    if os.geteuid() != 0:
        raise BadInput(
            "root is needed, to make the lab's network and machines", "", f"run it as root, for example: sudo {command}"
        )


def present(lab: Lab) -> Options:
    """What was asked of a lab; what a new one gets where there is none yet. A second run without a word changes nothing: no fleet that was grown is shrunk, none is swapped for another seed's."""
    return find(lab) or Options(hosts=DEFAULT_HOSTS, driver=DEFAULT_DRIVER, spec=DEFAULT_SPEC)


def need_its_server(lab: Lab, own: OwnServer | None) -> None:
    """Raises BadInput where a lab belongs to a Puppet server that is not named: without it, this would be another lab."""
    known = present(lab).puppet_server
    if known and own is None:
        raise BadInput(f"lab {lab.name} belongs to the Puppet server {known}", str(path(lab)), "give --puppet-server and the words that go with it as before, or --lab for another lab")


def agents(text: str) -> tuple[str, ...]:
    """The releases that a user names, with commas between them; `all`, or `none`. Raises BadInput for one that there is not."""
    if text in ("all", "none"):
        return RELEASES if text == "all" else ()
    named = tuple(text.split(","))
    for codename in named:
        if codename not in RELEASES:
            raise BadInput(f"there is no real machine of {codename!r}", "--agents", f"name some of {', '.join(RELEASES)} with commas between, or all, or none")
    return tuple(codename for codename in RELEASES if codename in named)


def present_driver(lab: Lab) -> str:
    """How a lab's monitor runs; a new one is a VM."""
    known = present(lab).driver
    return known if known != "host" else DEFAULT_DRIVER


def options(
    hosts: int, seed: int, driver_name: str, spec: HostingSpec, collect: str, own: OwnServer | None = None, *, services: int = 0,
    agents: tuple[str, ...] = (), compress: int = 1,
) -> Options:
    """The words of provision as a record; own: the operator's Puppet server; services: pushed by each host, 0 as its role has; compress: as in Options.

    Raises BadInput for what cannot be.
    """
    if own is None and not 1 <= hosts <= MAX_HOSTS:
        raise BadInput(f"a lab has no room for {hosts} hosts", "--hosts", f"give a number from 1 to {MAX_HOSTS}")
    if own is not None and agents:
        raise BadInput("real machines need a Puppet server that the lab may fill", "--agents", "leave --agents out")
    if own is not None and services:
        raise BadInput("simulated hosts need a Puppet server that the lab may fill", "--services", "leave --services out")
    if collect not in COLLECT_MODES:
        raise BadInput(f"there is no way of collecting named {collect!r}", "--collect", f"use {' or '.join(COLLECT_MODES)}")
    if services and not 1 <= services <= MAX_SERVICES:
        raise BadInput(f"no host pushes {services} services", "--services", f"give a number from 1 to {MAX_SERVICES}, or 0 for what its role has")
    if not 1 <= compress <= MAX_COMPRESS:
        raise BadInput(f"no interval is divided by {compress}", "--compress", f"give a number from 1, which leaves them as they are, to {MAX_COMPRESS}")
    driver(driver_name)
    if driver_name == "host":
        raise BadInput("a machine that is there already is named, not started", "--driver host", "use --host root@ADDRESS")
    if spec.memory_mib < MIN_MONITOR.memory_mib or spec.disk_gib < MIN_MONITOR.disk_gib:
        raise BadInput(
            f"the monitoring stack does not fit into {spec}", "--memory, --disk, --offer",
            f"give at least {MIN_MONITOR.memory_mib} MiB and {MIN_MONITOR.disk_gib} GiB",
        )  # fmt: skip
    made = Options(hosts=hosts, services=services, compress=compress, agents=agents, seed=seed, driver=driver_name, spec=spec, collect_mode=collect)
    return own.applied(made) if own else made


def guest_kernel(checkout: Path) -> Path | None:
    """The kernel of the cached monitor image, for the KVM probe; any of the host's; or None."""
    found = build.cached("monitor", checkout / "puppet_fixtures" / "data")
    if found is not None:
        return found.kernel
    return next(iter(sorted(Path("/boot").glob("vmlinuz-*"))), None)


def resized(lab: Lab, hosts: str, services: str, compress: str = "") -> Options:
    """The options of a running lab with another number of hosts, of services of each, or other intervals; empty words keep it. Raises BadInput without a lab."""
    old = read(lab)
    if old.puppet_server:
        raise BadInput(
            f"lab {lab.name} has no simulated hosts: its Puppet server is {old.puppet_server}", str(path(lab)),
            "grow another lab: --lab NAME",
        )  # fmt: skip
    if not hosts and not services and not compress:
        raise BadInput("it is not said what the fleet should become", "--hosts", "give --hosts, --services, --compress, or several of them")
    count = number(hosts, "--hosts") if hosts else old.hosts
    checked = options(
        count, old.seed, old.driver, old.spec, old.collect_mode, services=number(services, "--services") if services else old.services,
        agents=old.agents, compress=number(compress, "--compress") if compress else old.compress,
    )  # fmt: skip
    return checked.model_copy(update={"accelerator": old.accelerator, "accelerator_reason": old.accelerator_reason})


def as_before(lab: Lab, hosts: str, driver_name: str) -> Options:
    """The options of a lab, or those of a new one, with what the user wants otherwise: what a rebuild goes by.

    Raises BadInput for a lab with the operator's own Puppet server or machine: neither can be made a second time.
    """
    old = present(lab)
    if old.puppet_server:
        own = f"monitor is the machine {old.host}" if old.host else f"Puppet server is {old.puppet_server}"
        raise BadInput(
            f"lab {lab.name} cannot be made again beside itself: its {own}", str(path(lab)),
            "rebuild a lab that has its own: --lab NAME; the `invoke provision …` that made this one brings it up to date",
        )  # fmt: skip
    count = number(hosts, "--hosts") if hosts else old.hosts
    return options(count, old.seed, driver_name or old.driver, old.spec, old.collect_mode, services=old.services, agents=old.agents, compress=old.compress)


def driver_of(lab: Lab, machine: str) -> str:
    """Which driver runs a machine of a lab. Raises BadInput for a wrong name or no lab."""
    if machine not in KINDS:
        raise BadInput(f"there is no machine {machine!r}", "--machine", f"the machines are: {', '.join(KINDS)}")
    known = read(lab)
    return known.driver if machine == "monitor" else "container"


def ssh_argv(lab: Lab, machine: str) -> list[str]:
    """The ssh command for a machine, its host key pinned in a file of the lab."""
    driver_of(lab, machine)
    host = hosts.known(lab, machine)
    if host:
        return ["ssh", "-p", str(host.port), f"{host.user}@{host.address}"]
    secrets = SecretStore(lab.secrets)
    key, _ = secrets.ssh_key("ssh-admin")
    _, host_key = secrets.ssh_key(f"ssh-host-{machine}")
    known = lab.directory / "known_hosts"
    write_file(known, f"{lab.address(machine)} {host_key}\n")
    return ["ssh", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}",
            "-o", "StrictHostKeyChecking=yes", f"root@{lab.address(machine)}"]  # fmt: skip

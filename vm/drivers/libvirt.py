"""Run the monitor as a libvirt VM, with KVM where it really boots and with TCG elsewhere."""

from __future__ import annotations

import base64
import contextlib
import math
import pwd
import shutil
from pathlib import Path

import libvirt

from vm import artefact
from vm.command import run
from vm.drivers import MachineSpec, mac, machine_directory
from vm.drivers.hypervisor import (
    NAMESPACE,
    TEMPLATES,
    connection,
    network_name,
    refuse_foreign,
    try_connect,
)
from vm.errors import WatchpostError
from vm.hosting import HostingSpec
from vm.lab import Lab
from vm.wait import wait_until

MAX_VCPUS = 8
MAX_MEMORY_MIB = 16384
"""Declared for later growth without a new definition of the domain."""
MEMORY_BLOCK_MIB = 128
"""What a Linux guest on x86 with less than 64 GiB brings online at once (Documentation/admin-guide/mm/memory-hotplug.rst)."""


LOGS = Path("/var/log/libvirt/qemu")
"""What QEMU says, by the domain's name; libvirt keeps it when a domain is undefined."""


def domain_name(lab: Lab, kind: str) -> str:
    """Name of a machine's domain, unique on the host."""
    return f"watchpost-{lab.name}-{kind}"


def domain_xml(spec: MachineSpec) -> str:
    """The domain. Public credentials stand in it, secrets only as names of files. Pure."""
    directory = spec.directory
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in spec.credentials.public.items()}
    return TEMPLATES.get_template("domain.xml.j2").render(
        name=domain_name(spec.lab, spec.kind),
        lab=spec.lab,
        namespace=NAMESPACE,
        accelerator=spec.accelerator,
        vcpus=int(spec.vcpus),
        max_vcpus=max(MAX_VCPUS, int(spec.vcpus)),
        memory_mib=spec.memory_mib,
        max_memory_mib=max(MAX_MEMORY_MIB, spec.memory_mib),
        public=sorted(encoded.items()),
        secret=[(name, directory / "credentials" / name) for name in sorted(spec.credentials.secret)],
        disk=directory / "disk.qcow2",
        console_log=directory / "console.log",
        network=network_name(spec.lab),
        mac=mac(spec.lab, spec.kind),
    )


def qemu_user() -> tuple[int, int]:
    """User and group that libvirt runs QEMU as on Debian."""
    entry = pwd.getpwnam("libvirt-qemu")
    return entry.pw_uid, entry.pw_gid


def start(spec: MachineSpec) -> None:
    """Define (validated against libvirt's schema) and start the domain; one that runs already is left alone, one that does not is defined anew, on its disk."""
    directory = spec.directory
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)
    folder = directory / "credentials"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    user, group = qemu_user()
    for name, path in spec.credentials.secret.items():
        artefact.write_file(folder / name, path.read_bytes(), 0o400)
        shutil.chown(folder / name, user, group)
    disk = directory / "disk.qcow2"
    if not disk.exists():
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", spec.image.disk, disk, f"{spec.disk_gib}G"])
        disk.chmod(0o600)
    with connection(spec.lab) as hypervisor:
        present = find(hypervisor, spec.lab, spec.kind)
        try:
            if present is not None and present.isActive():
                return
            if present is not None:
                present.undefine()
            domain = hypervisor.defineXMLFlags(domain_xml(spec), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
            domain.create()
        except libvirt.libvirtError as error:
            raise WatchpostError(
                f"libvirt did not start the machine {spec.kind}: {error}", str(LOGS / f"{domain_name(spec.lab, spec.kind)}.log")
            ) from error


def find(hypervisor: libvirt.virConnect, lab: Lab, kind: str) -> libvirt.virDomain | None:
    """The machine's domain, None where there is none. Raises WatchpostError for one that has not the lab's mark, and where libvirt does not say."""
    try:
        domain = hypervisor.lookupByName(domain_name(lab, kind))
        refuse_foreign(domain.XMLDesc(), lab)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise WatchpostError(f"libvirt does not say whether there is a machine {kind}: {error}", domain_name(lab, kind), "look at libvirtd's log, then run the same command again") from error
    return domain


def end(domain: libvirt.virDomain) -> None:
    """End a domain that may run; one that ended by itself meanwhile has ended."""
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError:
        if domain.isActive():
            raise


def running(lab: Lab, kind: str) -> bool:
    """Whether the machine's domain runs."""
    hypervisor = try_connect()
    if hypervisor is None:
        return False
    try:
        return bool(hypervisor.lookupByName(domain_name(lab, kind)).isActive())
    except libvirt.libvirtError:
        return False
    finally:
        hypervisor.close()


def stop(lab: Lab, kind: str, *, orderly: bool = False) -> None:
    """End the domain; with orderly the guest is asked first and has 120 s."""
    hypervisor = try_connect()
    if hypervisor is None:
        return
    try:
        domain = find(hypervisor, lab, kind)
        if domain is None:
            return
        if domain.isActive() and orderly:
            domain.shutdown()
            with contextlib.suppress(WatchpostError):  # it had its time; it is ended below
                wait_until(lambda: not domain.isActive(), reason=f"{kind} to shut down", deadline_s=120)
        end(domain)
    finally:
        hypervisor.close()


def destroy(lab: Lab, kind: str) -> None:
    """End and undefine the domain and remove its files and what was logged of it. Raises WatchpostError when libvirt does not let go of it: its files stay then."""
    hypervisor = try_connect()
    if hypervisor is not None:
        try:
            domain = find(hypervisor, lab, kind)
            if domain is not None:
                end(domain)
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        except libvirt.libvirtError as error:
            raise WatchpostError(f"libvirt does not let go of the machine {kind}: {error}", domain_name(lab, kind), "look at it with virsh, then run the same command again") from error
        finally:
            hypervisor.close()
    for path in LOGS.glob(f"{domain_name(lab, kind)}.log*"):
        path.unlink()
    directory: Path = machine_directory(lab, kind)
    if directory.exists():
        shutil.rmtree(directory)


def grow(lab: Lab, kind: str, spec: HostingSpec) -> str:
    """Give a running domain this size; returns why that is not possible while it runs, empty when it is done. What it has already is left.

    Its definition changes with it. The guest has still to use what it is given. Raises WatchpostError when it does not run, or its disk does not grow.
    """
    both = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
    with connection() as hypervisor:
        try:
            domain = hypervisor.lookupByName(domain_name(lab, kind))
            refuse_foreign(domain.XMLDesc(), lab)
            if domain.blockInfo("vda")[0] < spec.disk_gib * 2**30:
                domain.blockResize("vda", spec.disk_gib * 2**30, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        except libvirt.libvirtError as error:
            raise WatchpostError(f"the disk of {kind} does not grow: {error}", domain_name(lab, kind), "run `invoke provision`, then try again") from error
        try:
            if domain.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE) < math.ceil(spec.vcpus):
                domain.setVcpusFlags(math.ceil(spec.vcpus), both)
            missing_mib = spec.memory_mib - domain.maxMemory() // 1024
            if missing_mib > 0:
                if missing_mib % MEMORY_BLOCK_MIB:
                    return f"a Linux guest takes memory in blocks of {MEMORY_BLOCK_MIB} MiB, and {missing_mib} MiB are to come"
                domain.attachDeviceFlags(f"<memory model='dimm'><target><size unit='MiB'>{missing_mib}</size><node>0</node></target></memory>", both)
        except libvirt.libvirtError as error:
            return str(error)
    return ""


def set_link(lab: Lab, kind: str, *, up: bool) -> None:
    """Pull or plug the machine's network cable."""
    with connection() as hypervisor:
        domain = hypervisor.lookupByName(domain_name(lab, kind))
        xml = (
            f"<interface type='network'><mac address='{mac(lab, kind)}'/><source network='{network_name(lab)}'/>"
            f"<model type='virtio'/><link state='{'up' if up else 'down'}'/></interface>"
        )
        domain.updateDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def console_argv(lab: Lab, kind: str) -> list[str]:
    """An interactive session on the machine's serial console."""
    return ["virsh", "--connect", "qemu:///system", "console", "--force", domain_name(lab, kind)]

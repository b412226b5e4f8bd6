"""What a VM takes more than a container of the same machine: kernel, boot, drivers, boot partitions. Measured once, then added.

A capacity figure comes from the container, which runs at native speed; the machine that is rented is a VM. Memory and disk do not depend
on the speed, so an emulated CPU will do for this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from loadtest import disk_use, ran_on, rig
from loadtest.probes.groups import memory_v1, memory_v2
from loadtest.rig import Rig
from provision.options import Options, read
from provision.raising import raise_lab
from provision.ssh import Machine
from vm import artefact, cgroups
from vm.artefact import Record
from vm.errors import BadInput
from vm.lab import Lab
from vm.progress import note

KEPT = Path("/var/cache/watchpost/vm-extra.json")


class VmExtra(Record):
    """Two looks at an idle monitor with the same fleet, and what lies between them. lock_sha256: of the image that both ran.

    Memory in use: of the container its working set, of the VM what it was given less MemAvailable. Disk: all files of the root file
    system; of the VM also what its boot partitions and file systems take for themselves.
    """

    version: Literal[1] = 1
    lock_sha256: str
    hosts: int
    container_memory_mib: float
    vm_memory_mib: float
    container_disk_mib: float
    vm_disk_mib: float
    accelerator: str

    @property
    def memory_mib(self) -> float:
        """What the VM uses more."""
        return max(0.0, self.vm_memory_mib - self.container_memory_mib)

    @property
    def disk_mib(self) -> float:
        """What the VM's disk holds more."""
        return max(0.0, self.vm_disk_mib - self.container_disk_mib)


def measure(lab: Lab) -> VmExtra:
    """Provision the lab's monitor both ways, look at each, leave it as it was. Raises BadInput for a lab without a fleet."""
    before = read(lab)
    if before.puppet_server:
        raise BadInput(f"lab {lab.name} has no simulated hosts", lab.name, "use a lab that has")
    container = in_container(become(lab, before, "container"))
    vm = in_vm(become(lab, before, "libvirt"))
    found = VmExtra(
        lock_sha256=ran_on.ran_on(read(lab)).lock_sha256, hosts=before.hosts, container_memory_mib=container[0], vm_memory_mib=vm[0],
        container_disk_mib=container[1], vm_disk_mib=vm[1], accelerator=read(lab).accelerator,
    )  # fmt: skip
    artefact.save(found, KEPT)
    if before.driver != "libvirt":
        become(lab, before, before.driver)
    return found


def become(lab: Lab, before: Options, driver: str) -> Rig:
    """The lab with its monitor by a driver, live."""
    if read(lab).driver != driver:
        note(f"the monitor becomes a {'VM' if driver == 'libvirt' else driver}")
        raise_lab(lab, before.model_copy(update={"driver": driver}), "invoke bench.vm")
    return rig.rig(lab)


def in_container(one: Rig) -> tuple[float, float]:
    """Memory and disk in use, in MiB."""
    group = cgroups.groups(one.lab.name, "monitor")
    memory = memory_v2(group["unified"]) if cgroups.is_v2() else memory_v1(group["memory"])
    machine = one.connect("monitor")
    disk_mib = disk_use.of_container(one, machine)
    machine.close()
    return memory["working_set_mib"], disk_mib


def in_vm(one: Rig) -> tuple[float, float]:
    """Memory and disk in use, in MiB: the disk is what is not free on the root file system, and all of the partitions before it."""
    machine = one.connect("monitor")
    memory = meminfo(machine)
    used_mib, seen_mib = disk_use.used_mib(machine)
    root_mib = int(machine.run(["lsblk", "-b", "-n", "-o", "SIZE", machine.run(["findmnt", "-n", "-o", "SOURCE", "/"]).stdout.strip()]).stdout) / 2**20
    machine.close()
    partitions_mib = one.options.spec.disk_gib * 1024 - root_mib
    return one.options.spec.memory_mib - memory["MemAvailable"] / 1024, used_mib + (root_mib - seen_mib) + partitions_mib


def meminfo(machine: Machine) -> dict[str, int]:
    """/proc/meminfo in KiB."""
    lines = machine.run(["cat", "/proc/meminfo"]).stdout.splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def known(lock_sha256: str) -> dict[str, float]:
    """What was measured of an image with this lock, as a sizing's request keeps it; nothing where nobody measured."""
    try:
        found = artefact.load(VmExtra, KEPT)
    except BadInput:
        return {}
    return {"vm_memory_mib": found.memory_mib, "vm_disk_mib": found.disk_mib} if found.lock_sha256 == lock_sha256 else {}

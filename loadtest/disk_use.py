"""What a monitor's disk holds: of a container the shared image below it and its own disk above it, of a VM its whole disk."""

from __future__ import annotations

from loadtest.rig import Rig
from provision.lab_plan import CONTROL_REPO
from provision.ssh import Machine
from vm.drivers import container
from vm.errors import WatchpostError
from vm.image import build


def used_mib(machine: Machine) -> tuple[float, float]:
    """MiB in use on the file system that holds `/`, and its size as the file system sees it."""
    block, size, free = (int(word) for word in machine.run(["stat", "-f", "-c", "%S %b %f", "/"]).stdout.split())
    return (size - free) * block / 2**20, size * block / 2**20


def of_container(rig: Rig, machine: Machine) -> float:
    """MiB that a machine's disk would hold whose root file system this container has. Raises WatchpostError without a disk of its own."""
    running, image = container.running(rig.lab, "monitor"), build.cached("monitor", CONTROL_REPO / "data")
    if running is None or running.no_own_disk or image is None:
        why = running.no_own_disk if running and running.no_own_disk else "it does not run, or its image is gone"
        raise WatchpostError(f"the monitor has no disk of its own: {why}", rig.lab.name, "make the lab anew")
    return container.allocated_mib(image.tree) + used_mib(machine)[0]

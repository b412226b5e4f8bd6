"""What this host lacks for machines that are to be made: told before they are begun, refused where it makes them impossible."""

from __future__ import annotations

from collections.abc import Mapping

from provision.lab_plan import CONTROL_REPO
from provision.stages import Work
from vm import doctor, lab
from vm.drivers import driver
from vm.errors import WatchpostError
from vm.finding import Finding
from vm.host_probes import memory
from vm.image import build
from vm.progress import note

PROBES = ("disk", "memory", "mirror")
"""What matters to either driver; which accelerator a VM gets is decided with its kernel."""


def look(work: Work, drivers: Mapping[str, str]) -> None:
    """Probe the host if any machine does not run or its image is to be built; drivers: how each machine runs.

    Raises WatchpostError with the remedy where they cannot be made.
    """
    to_make = [kind for kind, name in drivers.items() if not driver(name).running(work.lab, kind)]
    to_build = [kind for kind in drivers if build.cached(kind, CONTROL_REPO / "data") is None]
    if not to_make and not to_build:
        return
    wanted = [name for name in PROBES if name != "mirror" or to_build]
    found = doctor.examine(None, lab.STATE / "probes.json", wanted)
    for one in found:
        if one.level != "OK":
            note(f"{work.stages.elapsed():6.0f} s  host: {one.name} {one.level}: {one.detail}; {one.remedy}")
    refuse(found, memory.available_mib(), to_make, to_build)


def refuse(found: tuple[Finding, ...], available_mib: int, to_make: list[str], to_build: list[str]) -> None:
    """Raises WatchpostError where images do not fit on the disk, or the Puppet server not into memory. A mirror that is down may be up again when it is asked."""
    for one in found:
        if one.name == "disk" and one.level == "missing" and to_build:
            raise WatchpostError(f"there is no room to build images ({', '.join(to_build)}): {one.detail}", "host probe disk", one.remedy)
        if one.name == "memory" and "puppet" in to_make and available_mib < memory.SUPPORT_MIB:
            raise WatchpostError(f"the Puppet server alone takes {memory.SUPPORT_MIB} MiB: {one.detail}", "host probe memory", one.remedy)

"""Give a running monitor more disk, memory or vCPUs: while it works where that is possible, else by one orderly reboot. Nothing is made anew."""

from __future__ import annotations

import contextlib
import math

from provision import checks, machines, raising, up
from provision.options import Options, keep, read
from provision.ssh import Machine
from provision.stages import Work, starting
from vm import artefact, logs, progress
from vm import lab as labs
from vm.drivers import driver
from vm.errors import BadInput, WatchpostError
from vm.hosting import HostingSpec, sized
from vm.lab import Lab
from vm.progress import note
from vm.wait import wait_until

ONLINE = """for switch in /sys/devices/system/cpu/cpu*/online /sys/devices/system/memory/memory*/online; do
  if [ -w "$switch" ] && [ "$(cat "$switch")" = 0 ]; then echo 1 > "$switch"; fi
done"""
"""A guest uses what it was given once somebody says so (Documentation/core-api/cpu_hotplug.rst, admin-guide/mm/memory-hotplug.rst)."""
SEEN_S = 20.0
"""After which what a guest was given is not seen any more: QEMU's software emulation is no hypervisor that Linux takes new CPUs from."""
CONTAINED_GIB = 2.0
"""A container's system lies in its image and not on its disk."""
GROWS_ROOT = ("systemd-repart.service", "systemd-growfs-root.service")
"""What grows the root partition and its file system at boot, and does so again."""


def larger(present: HostingSpec, vcpus: str, memory: str, disk: str) -> HostingSpec:
    """The size that the words ask for, which has less of nothing. Pure. Raises BadInput for a smaller one, and where no word asks for anything."""
    if not (vcpus or memory or disk):
        raise BadInput(f"nothing was asked for; the monitor has {present}", "--vcpus, --memory, --disk", "say what it should have more")
    asked = sized(present, vcpus, memory, disk)
    for option, has, wants in (
        ("--vcpus", present.vcpus, asked.vcpus), ("--memory", present.memory_mib, asked.memory_mib), ("--disk", present.disk_gib, asked.disk_gib),
    ):  # fmt: skip
        if wants < has:
            raise BadInput(f"the monitor has {has:g} and does not shrink to {wants:g}", option, "a smaller machine is made anew: `invoke provision` with its size")
    return present if asked == present.model_copy(update={"offer": ""}) else asked


def resize(lab: Lab, vcpus: str, memory: str, disk: str) -> Options:
    """Grow the monitor of a lab and have Puppet tune its services for the new size; the options with that size. What was cut short goes on when called again.

    Raises BadInput for a size that can not be had by growing, WatchpostError where the machine does not take it.
    """
    checks.root("invoke resize")
    options = read(lab)
    if options.host:
        raise BadInput(f"{options.host} is not the lab's machine", "invoke resize", "its hoster makes it larger; then run the same `invoke provision` again with the new size")
    spec = larger(options.spec, vcpus, memory, disk)
    with labs.hold(lab, "invoke resize"):
        labs.prepare(lab)
        progress.log_to(logs.of_lab(lab))
        grown = options.model_copy(update={"spec": spec})
        work = up.work_of(lab, grown, progress.Stages())
        if spec != options.spec:
            with work.stages.stage("resize") as remarks:
                remarks.append(grow(work, grown))
            made_from = starting.image(work, "monitor")
            keep(lab, grown)
            work.ledger.mark("start monitor", artefact.digest(starting.made_of(made_from, "monitor", grown.driver, spec, grown.accelerator)))
        raising.raise_held(lab, grown)
    return grown


def grow(work: Work, options: Options) -> str:
    """Make the machine larger; how, in words. What it does not take while it runs, or does not see then, comes by a reboot."""
    why = lacks(work, options) if driver(options.driver).running(work.lab, "monitor") else "it was cut while it rebooted"
    if why:
        note(f"monitor: reboots, as it does not grow while it runs: {why}")
        driver(options.driver).stop(work.lab, "monitor", orderly=True)
        machines.start(work.lab, "monitor", options.driver, starting.image(work, "monitor"), options.spec, options.accelerator, work.secrets)
        starting.reach(work, "monitor")
        if still := lacks(work, options):
            raise WatchpostError(f"after a reboot too, {still}", work.lab.fqdn("monitor"), "run the same command again")
    return f"{options.spec}, {'by a reboot' if why else 'while it ran'}"


def lacks(work: Work, options: Options) -> str:
    """Why the machine that runs has not this size, after it was given it; empty when it has."""
    return str(driver(options.driver).grow(work.lab, "monitor", options.spec)) or unseen(work, options)


def unseen(work: Work, options: Options) -> str:
    """What the machine was given and does not see, in words; empty when it sees all. A VM is told to use what is new first."""
    machine = work.connect("monitor")
    try:
        if options.driver == "libvirt":
            machine.run(["systemctl", "restart", *GROWS_ROOT])
        return seen_late(machine, options)
    finally:
        machine.close()


def seen_late(machine: Machine, options: Options) -> str:
    """What is still lacking after SEEN_S."""
    last = ""

    def all_there() -> bool:
        nonlocal last
        if options.driver == "libvirt":
            machine.run(["sh", "-c", ONLINE])
        last = lacking(machine, options)
        return not last

    with contextlib.suppress(WatchpostError):
        wait_until(all_there, reason="the machine sees its new size", deadline_s=SEEN_S, interval_s=2)
    return last


def root_gib(machine: Machine) -> float:
    """Size of the root file system in GiB."""
    return int(machine.run(["df", "--output=size", "--block-size=1M", "/"]).stdout.split()[-1]) / 1024


def lacking(machine: Machine, options: Options) -> str:
    """What the machine has less of than it was given, in words. Of memory the kernel keeps some for itself, of the disk the boot partitions are apart; a container sees the CPUs and the memory of its host."""
    spec = options.spec
    sees = [("GiB of disk", root_gib(machine), spec.disk_gib * 0.9 - CONTAINED_GIB * (options.driver == "container"))]
    if options.driver == "libvirt":
        lines = machine.run(["cat", "/proc/meminfo"]).stdout.splitlines()
        memory_mib = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal:")) / 1024
        sees += [("vCPUs", float(machine.run(["nproc"]).stdout), float(math.ceil(spec.vcpus))), ("MiB of memory", memory_mib, spec.memory_mib * 0.85)]
    return "; ".join(f"{machine.name} was given {spec} and sees {has:.5g} {what}" for what, has, wants in sees if has < wants)

"""Machines of the lab: their image, their start, until they can be reached."""

from __future__ import annotations

from pathlib import Path

from provision import machines, units, weakened
from provision.lab_plan import CONTROL_REPO
from provision.options import Options, keep
from provision.stages import LATER, Work
from vm import cgroups, doctor
from vm.drivers import DRIVERS, console_log, driver
from vm.errors import WatchpostError
from vm.hosting import HostingSpec
from vm.image import build
from vm.lab import STATE
from vm.progress import note


def image(work: Work, kind: str) -> build.Image:
    """The image of a kind, built if need be."""
    found, cached = build.find_or_build(kind, CONTROL_REPO / "data")
    if not cached:
        note(f"{work.stages.elapsed():6.0f} s  image {kind}: built in {found.seconds:.0f} s, {found.packages} packages")
    return found


def made_of(made_from: build.Image, kind: str, driver_name: str, spec: HostingSpec, accelerator: str) -> list[object]:
    """What a machine is made anew for when it differs."""
    return [made_from.digest, driver_name, spec.model_dump(), accelerator if kind == "monitor" else ""]


def start(work: Work, kind: str, driver_name: str, spec: HostingSpec, accelerator: str = "none") -> None:
    """Start a machine from its image and wait until it can be reached."""
    made_from = image(work, kind)
    inputs = made_of(made_from, kind, driver_name, spec, accelerator)

    def begin() -> str:
        for name in DRIVERS:  # its image or size changed: it is made anew, with either driver
            driver(name).destroy(work.lab, kind)
        work.ledger.forget(f"names of {kind}", *LATER[kind])
        weakened.forget(work.lab, kind)
        units.path(work.lab, kind).unlink(missing_ok=True)
        machines.start(work.lab, kind, driver_name, made_from, spec, accelerator, work.secrets)
        reach(work, kind)
        return f"{driver_name}, {spec}" if kind == "monitor" else driver_name

    if not work.ledger.step(f"start {kind}", inputs, begin, live=lambda: bool(driver(driver_name).running(work.lab, kind))):
        if driver_name == "container" and cgroups.restore(work.lab.name, kind, spec.vcpus, spec.memory_mib):
            note(f"{work.stages.elapsed():6.0f} s  {kind} has its own limits again: something that tried another size was cut")
        reach(work, kind)
        strengthen(work, kind)


def start_monitor(work: Work, options: Options) -> Options:
    """The monitor by the driver asked for; which accelerator a VM gets is decided with the image's own kernel.

    Returns the options with the accelerator in them, as they are kept with the lab.
    """
    if options.driver == "libvirt":
        name, reason = choose_accelerator(image(work, "monitor").kernel)
        if name != options.accelerator:
            note(f"{work.stages.elapsed():6.0f} s  accelerator: {reason}")
        options = options.model_copy(update={"accelerator": name, "accelerator_reason": reason})
    keep(work.lab, options)
    start(work, "monitor", options.driver, options.spec, options.accelerator)
    return options


def reach(work: Work, kind: str) -> None:
    """Wait for SSH on a machine. Raises WatchpostError with what its console showed last."""
    machine = work.connect(kind)
    try:
        machine.wait(240)
    except WatchpostError as error:
        raise WatchpostError(error.what, f"its console's last words: {console_log.last_words(work.lab, kind)}", error.todo) from error
    machine.close()


def strengthen(work: Work, kind: str) -> None:
    """Take back what a test made weaker on a machine and could not take back itself."""
    if not any(one.machine == kind for one in weakened.known(work.lab)):
        return
    machine = work.connect(kind)
    for what in weakened.take_back(work.lab, kind, machine):
        note(f"{work.stages.elapsed():6.0f} s  {kind} is as it was again: a test that was cut had left `{what}`")
    machine.close()


def choose_accelerator(kernel: Path) -> tuple[str, str]:
    """The accelerator of a VM and why, by probing this host."""
    findings = doctor.examine(kernel, STATE / "probes.json", ("kvm", "tcg"))
    return doctor.accelerator(findings), doctor.accelerator_reason(findings)

"""What a run ran on: host, driver, package lock, reference figure."""

from __future__ import annotations

import os

from loadtest.reference.figure import reference
from loadtest.rig import Rig
from loadtest.run import RanOn
from provision.lab_plan import CONTROL_REPO
from provision.options import Options
from vm import cpu
from vm.errors import WatchpostError
from vm.image import build
from vm.progress import note


def measured_units(rig: Rig) -> float:
    """Reference units of one core of the monitor, by the short workload; 0, with a word, when it does not run there whole."""
    machine = rig.connect("monitor")
    try:
        found = reference(machine, short=True, emulated=rig.options.accelerator == "tcg")
    except WatchpostError as error:
        note(f"no reference figure: {error.what}")
        return 0.0
    finally:
        machine.close()
    why = "; ".join([*found.doubts, *(f"{part} did not run: {reason}" for part, reason in found.not_run.items())])
    note(f"no reference figure: {why}" if why else f"one core of the monitor does {found.of_all_parts:.0f} reference units")
    return 0.0 if why else found.of_all_parts


def ran_on(options: Options, *, reference_units: float = 0, noise_before: float = 0, noise_during: float = 0) -> RanOn:
    """The record of a lab's host and monitor."""
    image = build.cached("monitor", CONTROL_REPO / "data")
    return RanOn(
        cpu_model=cpu.model() or "unknown", cores=os.cpu_count() or 1, memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20, driver=options.driver,
        accelerator=options.accelerator, lock_sha256=image.lock_digest if image else "", reference_units=reference_units,
        noise_before=round(noise_before, 4), noise_during=round(noise_during, 4),
    )  # fmt: skip

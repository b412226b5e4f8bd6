"""What `invoke loadtest` does: one scenario on the lab, kept with it, shown objective by objective."""

from __future__ import annotations

import math
import os
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from loadtest import machine_size, rig, scenarios, trial
from loadtest.ran_on import measured_units
from loadtest.run import Run
from loadtest.scenarios import Length
from provision import checks
from vm import hosting
from vm import lab as labs
from vm.errors import BadInput
from vm.lab import Lab
from vm.progress import note


def run(
    lab: Lab, scenario: str, *, length: Length, seconds: float, multiple: float, vcpus: str, memory: str, workers: int, seed: int
) -> Run:
    """Load-test a lab. vcpus, memory: another size meanwhile, in the user's words. Raises BadInput for words that cannot be."""
    found = scenarios.find(scenario)
    if multiple <= 0 or seconds < 0 or workers < 1:
        raise BadInput("a load needs positive numbers", "--multiple, --seconds, --workers", "give numbers above 0")
    checks.root("invoke loadtest")
    with labs.hold(lab, "invoke loadtest"):
        one = rig.rig(lab)
        if one.options.driver != "container":
            raise BadInput(f"the monitor of lab {lab.name} runs by {one.options.driver}", lab.name, "provision with --driver container: times of an emulated CPU say nothing")
        own = one.options.spec
        wanted = hosting.sized(own, vcpus, memory, "")
        asked = wanted != own
        spare = (os.cpu_count() or 1) - 1
        if not asked and math.ceil(wanted.vcpus) > spare >= 1:
            wanted = wanted.model_copy(update={"vcpus": float(spare)})
            note(f"the monitor gets {spare} of its {own.vcpus:g} vCPUs: it needs cores of its own, and this host has {spare + 1}")
        units = measured_units(one)
        directory = kept(lab) / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{scenario}"
        with machine_size.restored(one) if asked else nullcontext():
            sized = machine_size.become(one, wanted) if asked else replace(one, options=one.options.model_copy(update={"spec": wanted}))
            try:
                return trial.observe(
                    sized, found, length=length, seconds=seconds, multiple=multiple, seed=seed, workers=workers, directory=directory,
                    reference_units=units,
                )  # fmt: skip
            finally:
                machine_size.release(one)


def kept(lab: Lab) -> Path:
    """Where a lab's load tests are."""
    return lab.directory / "loadtests"


def table(found: Run) -> Table:
    """Objectives with targets, values and verdicts; why the run is invalid."""
    shown = Table("objective", "target", "measured", "verdict", box=None, pad_edge=False)
    for one in found.outcomes:
        sign = ">=" if one.objective.bound == "at least" else "<="
        value = f"{one.value.value:.4g}" if one.value else "-"
        shown.add_row(f"{one.objective.name} ({one.objective.metric})", f"{sign} {one.objective.target:g}", value, one.verdict + (f": {one.why}" if one.why else ""))
    lines = [f"{found.scenario} on {found.size}: {found.verdict.upper()}", *(f"INVALID: {reason}" for reason in found.unsound), *(f"{count} x {what}" for what, count in found.errors.items())]
    shown.caption = "\n".join(lines)
    return shown

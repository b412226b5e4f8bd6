"""Real runs for a sizing: a lab whose fleet and monitor become what each run asks for, and what they were in the end.

A machine that does not come up is a failed run, not an error: that is what the search wants to know.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest import machine_size, measuring, objectives, ran_on, rig, samples, scenarios, trial
from loadtest.estimate import Estimate
from loadtest.objective import Objective, judge
from loadtest.rig import Rig
from loadtest.run import Load, Run
from loadtest.samples import Sample
from loadtest.sizing.trial import Length, Trial
from provision import checks
from provision.options import Options, find
from provision.raising import raise_held
from vm import artefact
from vm import lab as labs
from vm.drivers import container
from vm.errors import BadInput, WatchpostError
from vm.hosting import DEFAULT_SPEC, HostingSpec
from vm.lab import Lab
from vm.progress import note

COMES_UP = Objective(name="the machine comes up with its fleet", metric="came_up", bound="at least", target=1, resource="memory")
SAMPLES = "samples.csv.gz"
LASTS = Objective(name="the machine bears it to the end", metric="lasted", bound="at least", target=1)


class LabTrials:
    """Makes runs; `trial_at` is what a sizing asks for."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self._lab = lab
        self._directory = directory
        self._own = rig.rig(lab)
        self._present: Rig = self._own
        self._sound = True
        self._down = False
        self._units: float | None = None

    @property
    def own(self) -> Rig:
        """The lab at its own size."""
        return self._own

    def trial_at(self, load: Load) -> Trial:
        """Runs with this load's fleet."""

        def make(size: HostingSpec, scenario: str, *, length: Length, repeat: int) -> Run:
            self.fleet(load)
            return self.trial(size, load, scenario, length, repeat)

        return make

    def fleet(self, load: Load) -> None:
        """Grow or shrink the fleet to the load's, at the machine's own size."""
        present = self._own.options
        if (present.hosts, present.services) == (load.hosts, load.services):
            return
        self.give_back()
        raise_held(self._lab, checks.resized(self._lab, str(load.hosts), str(load.services)))
        self._own = self._present = rig.rig(self._lab)

    def units(self) -> float:
        """Reference units of one core of the monitor; measured once, before the first run, at the machine's own size."""
        if self._units is None:
            self._units = ran_on.measured_units(self._own)
        return self._units

    def trial(self, size: HostingSpec, load: Load, scenario: str, length: Length, repeat: int) -> Run:
        """One run at a size; the machine comes up anew when it was of another one, or did not survive the last run."""
        name = f"{time.strftime('%m%dT%H%M%S', time.gmtime())}-{scenario}-{size.vcpus:g}x{size.memory_mib}-{repeat}"
        units = self.units()
        if self._down:
            self.repair()
        up = False
        try:
            if size != self._present.options.spec or not self._sound:
                self._present = machine_size.become(self._own, size)
            self._sound = up = True
            found = trial.observe(
                self._present, scenarios.find(scenario), length=length, multiple=load.multiple, seed=repeat + 1, directory=self._directory / name,
                reference_units=units,
            )  # fmt: skip
        except BadInput:
            raise
        except WatchpostError as error:
            note(f"{size}: {error.what}")
            self._down = True
            return self.broken(size, load, scenario, name, repeat, up=up)
        self._sound = found.verdict == "passed"
        return found

    def broken(self, size: HostingSpec, load: Load, scenario: str, name: str, repeat: int, *, up: bool) -> Run:
        """The run of a machine that did not come up, or broke in the midst so that its scenario could not go on; with what the probes saw till then."""
        seen: list[Sample] = []
        if up:
            with contextlib.suppress(FileNotFoundError):  # it may have broken before the first look
                seen = samples.read(self._directory / name / SAMPLES)
        found = measuring.of_machine(seen, seen[0].time_s, seen[-1].time_s) if seen else {}
        objective = LASTS if up else COMES_UP
        metrics = measuring.estimates(found) | {objective.metric: Estimate.exact(0)}
        demanded = [one for one in objectives.ALWAYS if one.metric in metrics and not one.met_by(metrics[one.metric].value)]
        return Run(
            name=name, scenario=scenario, began_at=time.time(), seed=repeat + 1, size=size, load=load,
            ran_on=ran_on.ran_on(self._own.options, reference_units=self.units()), phases=(), metrics=metrics,
            outcomes=tuple(judge(one, metrics) for one in (*demanded, objective)), verdict="failed", files={"samples": SAMPLES} if seen else {},
        )  # fmt: skip

    def repair(self) -> None:
        """Boot a machine that did not come up, at its own size: whatever state it is in would fail the next size too.

        Raises WatchpostError when that does not help: then it is not the size.
        """
        note("monitor: boots anew, as it did not come up")
        machine_size.release(self._own)
        container.stop(self._lab, "monitor", orderly=True)
        raise_held(self._lab, self._own.options)
        self._own = self._present = rig.rig(self._lab)
        self._down, self._sound = False, True

    def give_back(self) -> None:
        """The machine's own size again."""
        if self._down:
            try:
                self.repair()
            except WatchpostError as error:
                note(f"the monitor is not back at its own size: {error.what}; `invoke provision` puts it right")
        elif self._present.options.spec != self._own.options.spec or not self._sound:
            machine_size.give_back(self._own)
            self._present, self._sound = self._own, True
        else:
            machine_size.release(self._own)


@contextmanager
def trials(lab: Lab, directory: Path, load: Load) -> Iterator[LabTrials]:
    """A lab to make runs in, held meanwhile and given back afterwards; made with this load's fleet where there is none.

    Raises BadInput for a lab whose monitor is no container.
    """
    present = find(lab)
    if present is not None and present.driver != "container":
        raise BadInput(
            f"the monitor of lab {lab.name} runs by {present.driver}", lab.name,
            "give --lab a new name, and a lab is made beside it; or provision this one with --driver container",
        )  # fmt: skip
    if (os.cpu_count() or 1) < 2:
        raise BadInput("the monitor has no core of its own on a host with one core", "", "size on a host with two or more")
    checks.root("invoke size")
    with labs.hold(lab, "invoke size"):
        if present is None:
            note(f"lab {lab.name} is not there yet: it is made first, and stays until `invoke destroy`")
            raise_held(lab, new_lab(load))
        else:
            raise_held(lab, present)  # a load test that was cut may have left a host away
        made = LabTrials(lab, directory)
        try:
            yield made
        finally:
            made.give_back()


def new_lab(load: Load) -> Options:
    """What a lab that is made for sizing gets: this fleet, the monitor in a container of the usual size."""
    return checks.options(load.hosts, 1, "container", DEFAULT_SPEC, "query", services=load.services)


def context(made: LabTrials) -> str:
    """Digest of what runs must share to stand beside each other: lock, driver, code, seed of the fleet."""
    options = made.own.options
    on = ran_on.ran_on(options)
    return artefact.digest([on.lock_sha256, on.cpu_model, options.driver, options.seed, options.collect_mode, made.own.work.plan.code])[:16]

"""Run the stages of a lab under its lock; keep what was asked for and how long it took."""

from __future__ import annotations

from provision import checks, down, up
from provision.options import Options, keep
from provision.status import StageTimes
from vm import artefact, logs, progress
from vm import lab as labs
from vm.lab import Lab


def raise_lab(lab: Lab, options: Options, words: str, *, converge: bool = False) -> None:
    """Bring a lab to what the options say; words: the user's command, for who else wants the lab. Raises WatchpostError."""
    checks.root(words)
    with labs.hold(lab, words):
        raise_held(lab, options, converge=converge)


def raise_held(lab: Lab, options: Options, *, converge: bool = False) -> None:
    """The same for who holds the lab already."""
    labs.prepare(lab)
    progress.log_to(logs.of_lab(lab))
    stages = progress.Stages()
    keep(lab, options)
    up.up(lab, options, stages, converge=converge)
    times = StageTimes(stages=tuple(stages.times), total_s=round(stages.elapsed(), 1))
    artefact.save(times, lab.records / "times.json")


def raze_lab(lab: Lab, words: str) -> None:
    """Remove a lab under its lock; one that does not exist is no error."""
    checks.root(words)
    if lab.directory.exists():
        with labs.hold(lab, words):
            down.destroy(lab, progress.Stages())

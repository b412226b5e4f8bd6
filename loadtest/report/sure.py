"""How sure a sizing is, and what its words rest on, in sentences. Pure."""

from __future__ import annotations

from loadtest.run import Run
from loadtest.sizing.answer import Sizing, verdict
from loadtest.sizing.effort import EFFORTS
from loadtest.sizing.pricing import THIS_CPU

WORDS = {
    "passed": "proven at both edges",
    "estimate": "a first estimate; nothing is proven",
    "predicted": "predicted, not run: no size that this host can measure passes",
    "failed": "no size passes",
    "invalid": "not proven",
    "unfinished": "unfinished: the same command goes on from here",
}

REPEATS = {1: "one sound trial of each scenario decides", 3: "two of up to three sound trials of each scenario decide"}


def sure(sizing: Sizing) -> tuple[str, ...]:
    """Sentences, the verdict first."""
    word = verdict(sizing)
    why = sizing.unfinished or (sizing.found.why if sizing.found else "")
    effort = EFFORTS[sizing.request.effort]
    said = [WORDS[word] + (f": {why}" if why else "")]
    said.append(
        f"lengths used ({effort.name}): {effort.search.length} trials to search, "
        + (f"{effort.proof.length} ones to prove, {REPEATS[effort.proof.repeats]}" if effort.name != "quick" else "none to prove")
    )
    places = sorted({f"{run.ran_on.cpu_model}, {run.ran_on.cores} cores, {run.ran_on.driver} ({run.ran_on.accelerator})" for run in sizing.runs})
    said.append(f"{len(sizing.runs)} runs, made on {'; '.join(places) or 'no machine'}")
    split = disagreed(sizing)
    if split:
        said.append(f"trials disagreed, so that the edge is not sharp there: {'; '.join(split)}")
    invalid = sum(run.verdict == "invalid" for run in sizing.runs)
    if invalid:
        said.append(f"{invalid} of them invalid; they count neither way")
    noise = max((max(run.ran_on.noise_before, run.ran_on.noise_during) for run in sizing.runs if run.verdict != "invalid"), default=0.0)
    said.append(f"others took at most {noise:.0%} of that host's CPU in runs that count")
    if any(run.ran_on.driver == "container" for run in sizing.runs):
        extra, disk = sizing.request.vm_memory_mib, sizing.request.vm_disk_mib
        said.append(
            f"measured in a container; the order has {extra:.0f} MiB of memory and {disk or 0:.0f} MiB of disk more for a VM's kernel and boot"
            if extra is not None
            else "measured in a container; what a VM's kernel and boot take beside it was not measured and is not in the order"
        )
    if sizing.model.reference_units is None:
        said.append(f"CPU {THIS_CPU}: bench.host was not run, so that the need can not be converted")
    return tuple(said)


def disagreed(sizing: Sizing) -> list[str]:
    """Sizes and scenarios of which the same question got both answers. A longer run, which demands more, is another question."""
    lengths: dict[str, float] = {}
    for run in sizing.runs:
        lengths[run.scenario] = max(lengths.get(run.scenario, 0.0), length_s(run))
    asked: dict[tuple[str, float], set[str]] = {}
    for run in sizing.runs:
        if run.verdict != "invalid" and run.load == sizing.request.load:
            question = f"{run.scenario} on {run.size.vcpus:g} vCPU, {run.size.memory_mib} MiB"
            # one whose machine broke was to be as long as any
            asked.setdefault((question, length_s(run) or lengths[run.scenario]), set()).add(run.verdict)
    return [question for (question, _), verdicts in asked.items() if len(verdicts) > 1]


def length_s(run: Run) -> float:
    """How long a run was from the load's begin, in seconds; 0 where its machine broke."""
    return run.phases[-1].ends_s if run.phases else 0.0

"""Two runs side by side, and which differences are real. Pure.

A difference is real when the intervals do not meet. That is stricter than a test at 5 %: what it calls real seldom is not.
"""

from __future__ import annotations

from typing import Literal

from rich.table import Column, Table

from loadtest.estimate import Estimate
from loadtest.objective import Verdict
from loadtest.run import Run
from loadtest.sizing.judgement import why_invalid
from vm.artefact import Record


class Difference(Record):
    """One metric in both runs. ratio: b over a, None where a is 0 or one of them has no value."""

    metric: str
    a: Estimate | None
    b: Estimate | None
    ratio: float | None
    verdict: Literal["real", "within the intervals", "only one has it", "no telling"]


class Comparison(Record):
    """Two runs. other: what was not the same, so that a difference may come from there. warnings: why to doubt all of it."""

    version: Literal[1] = 1
    a: str
    b: str
    verdict_a: Verdict
    verdict_b: Verdict
    other: tuple[str, ...]
    warnings: tuple[str, ...]
    metrics: tuple[Difference, ...]


def compare(a: Run, b: Run) -> Comparison:
    """Every metric of either run."""
    warnings = [f"{name} is invalid: {why_invalid(run)}" for name, run in (("A", a), ("B", b)) if run.verdict == "invalid"]
    warnings += [f"{name} is not representative: its CPU was emulated (TCG)" for name, run in (("A", a), ("B", b)) if not run.ran_on.representative]
    sound = a.verdict != "invalid" and b.verdict != "invalid"
    return Comparison(
        a=a.name,
        b=b.name,
        verdict_a=a.verdict,
        verdict_b=b.verdict,
        other=_other(a, b),
        warnings=tuple(warnings),
        metrics=tuple(_difference(name, a.metrics.get(name), b.metrics.get(name), sound) for name in sorted({*a.metrics, *b.metrics})),
    )


def _difference(metric: str, a: Estimate | None, b: Estimate | None, sound: bool) -> Difference:
    if a is None or b is None:
        return Difference(metric=metric, a=a, b=b, ratio=None, verdict="only one has it")
    apart = a.high < b.low or b.high < a.low
    ratio = b.value / a.value if a.value else None
    single = (a.low == a.high and a.value and a.repeats == 1) or (b.low == b.high and b.value and b.repeats == 1)
    if not sound or (single and apart):
        return Difference(metric=metric, a=a, b=b, ratio=ratio, verdict="no telling")
    return Difference(metric=metric, a=a, b=b, ratio=ratio, verdict="real" if apart else "within the intervals")


def _other(a: Run, b: Run) -> tuple[str, ...]:
    pairs = [
        ("scenario", a.scenario, b.scenario),
        ("size", str(a.size), str(b.size)),
        ("load", _load(a), _load(b)),
        ("CPU", a.ran_on.cpu_model, b.ran_on.cpu_model),
        ("driver", f"{a.ran_on.driver} ({a.ran_on.accelerator})", f"{b.ran_on.driver} ({b.ran_on.accelerator})"),
        ("packages", a.ran_on.lock_sha256[:12], b.ran_on.lock_sha256[:12]),
    ]
    return tuple(f"{what}: {of_a} and {of_b}" for what, of_a, of_b in pairs if of_a != of_b)


def _load(run: Run) -> str:
    return f"{run.load.hosts} hosts x {run.load.services} services / {run.load.interval_s:g} s x {run.load.multiple:g}"


def table(found: Comparison) -> Table:
    """Both runs for a terminal."""
    shown = Table(Column("metric", overflow="fold"), "A", "B", "B / A", "difference", box=None, pad_edge=False, caption="\n".join([*found.warnings, *found.other]) or None)
    shown.add_row("verdict", found.verdict_a, found.verdict_b, "", "")
    for one in found.metrics:
        shown.add_row(one.metric, _told(one.a), _told(one.b), f"{one.ratio:.2f}" if one.ratio is not None else "", one.verdict)
    return shown


def _told(estimate: Estimate | None) -> str:
    return f"{estimate.value:.4g} ({estimate.low:.4g} to {estimate.high:.4g})" if estimate else "-"

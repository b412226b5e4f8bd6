"""The whole result of a sizing, and the short answer of `size --json`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from loadtest.objective import Verdict
from loadtest.run import Run
from loadtest.sizing.disk import Disk
from loadtest.sizing.headroom import Need
from loadtest.sizing.limits import Limit
from loadtest.sizing.model import Compared, Model
from loadtest.sizing.predicted import Larger, Predicted
from loadtest.sizing.pricing import Price
from loadtest.sizing.request import Request
from loadtest.sizing.rules_of_thumb import Rule
from loadtest.sizing.search import Found
from vm.artefact import Record

SIMULATED = "simulated machine"
"""RanOn.cpu_model of a run that a model made up, for tests and examples."""


class Sizing(Record):
    """All that a sizing knows. caveats: what a reader must know before anything else; the report begins with them."""

    version: Literal[1] = 1
    request: Request
    caveats: tuple[str, ...]
    found: Found | None
    unfinished: str = ""
    model: Model
    compared: tuple[Compared, ...]
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...]
    limiting_resource: str | None
    predicted: Predicted | None
    larger: tuple[Larger, ...]
    need: Need | None
    disk: Disk | None
    price: Price | None
    runs: tuple[Run, ...]


class FailingRun(Record):
    """A failing run of an edge, with the objective that broke there."""

    run: str
    axis: Literal["cpu", "memory"]
    vcpus: float
    memory_mib: int
    objective: str
    value: float | None
    target: float
    low_load_run: str
    proven: bool
    why: str = ""


class Answer(Record):
    """`invoke size --json`. vcpus and memory_mib: the smallest size that passed; order: with growth and headroom.

    verdict: passed: proven at both edges; estimate: short trials only; predicted: no run; failed, invalid, unfinished: why says more.
    """

    vcpus: float | None
    memory_mib: int | None
    disk_gib: int | None
    order_vcpus: float | None
    order_memory_mib: int | None
    eur_per_month: float | None
    eur_reason: str
    offer: str | None
    limiting_resource: str | None
    passing_run: str | None
    passing_runs: tuple[str, ...]
    failing_runs: tuple[FailingRun, ...]
    verdict: Verdict | Literal["estimate", "predicted", "unfinished"]
    why: str
    caveats: tuple[str, ...]


def caveats(runs: Iterable[Run], effort: str) -> tuple[str, ...]:
    """What the first line of a report must say: made up, emulated, or only an estimate."""
    made = list(runs)
    found = []
    if any(run.ran_on.cpu_model == SIMULATED for run in made):
        found.append("SIMULATED: these runs were made up by a model, on no machine; nothing here is a measurement")
    if any(not run.ran_on.representative for run in made):
        found.append("not representative: the CPU was emulated (TCG), so that times say nothing of hardware")
    if len({(run.ran_on.cpu_model, run.ran_on.cores, run.ran_on.driver, run.ran_on.lock_sha256) for run in made}) > 1:
        found.append("mixed: these runs were not all made on one host with one lock and one driver")
    if effort == "quick":
        found.append("a first estimate: computed from short trials of one size, no edge is proven")
    return tuple(found)


def answer(sizing: Sizing) -> Answer:
    """The short answer."""
    found, price, need = sizing.found, sizing.price, sizing.need
    chosen = found.chosen if found else None
    judged = found.passing.runs if found and found.passing and found.passing.verdict == "passed" else ()
    sound = {run.name for run in sizing.runs if run.verdict == "passed"}
    passing = tuple(name for name in judged if name in sound)  # one that was invalid was made again, and says nothing
    failing = tuple(
        FailingRun(
            run=edge.failing_run, axis=edge.axis, vcpus=edge.cell.vcpus, memory_mib=edge.cell.memory_mib, objective=edge.broken.objective.name,
            value=edge.broken.value.value if edge.broken.value else None, target=edge.broken.objective.target, low_load_run=edge.low_load_run,
            proven=edge.proven, why=edge.why,
        )
        for edge in (found.edges if found else ()) if edge.cell and edge.broken
    )  # fmt: skip
    return Answer(
        vcpus=chosen.vcpus if chosen else sizing.predicted.vcpus if sizing.predicted else None,
        memory_mib=chosen.memory_mib if chosen else sizing.predicted.memory_mib if sizing.predicted else None,
        disk_gib=sizing.disk.gib if sizing.disk else None,
        order_vcpus=need.cell.vcpus if need and need.cell else None,
        order_memory_mib=need.cell.memory_mib if need and need.cell else None,
        eur_per_month=price.eur_per_month if price else None,
        eur_reason=_eur_reason(sizing),
        offer=price.pick.offer.name if price and price.pick else None,
        limiting_resource=sizing.limiting_resource,
        passing_run=next((name for name in passing if _scenario(sizing, name) == "people"), passing[-1] if passing else None),
        passing_runs=passing,
        failing_runs=failing,
        verdict=verdict(sizing),
        why=sizing.unfinished or (found.why if found else ""),
        caveats=sizing.caveats,
    )


def verdict(sizing: Sizing) -> Verdict | Literal["estimate", "predicted", "unfinished"]:
    """The verdict of a sizing in one word."""
    if sizing.unfinished or sizing.found is None:
        return "unfinished"
    if sizing.found.verdict == "passed" and sizing.request.effort == "quick":
        return "estimate"
    if sizing.found.verdict == "failed" and sizing.predicted is not None:
        return "predicted"
    return sizing.found.verdict


def _eur_reason(sizing: Sizing) -> str:
    if sizing.price is None:
        return "no size was found, so that nothing was priced"
    predicted = sizing.predicted is not None and sizing.price.pick is not None
    return "; ".join(part for part in (sizing.price.reason, "for a predicted size" if predicted else "") if part)


def _scenario(sizing: Sizing, name: str) -> str:
    return next((run.scenario for run in sizing.runs if run.name == name), "")

"""The proof of an edge: one step smaller, the machine comes up, works at low load, and breaks at the load that is asked for. Pure."""

from __future__ import annotations

from loadtest.objective import Outcome
from loadtest.run import Run
from loadtest.sizing.lattice import Axis, Cell
from loadtest.sizing.trial import LOW_LOAD
from vm.artefact import Record


class Edge(Record):
    """What one step below the recommendation does. low_load_run and failing_run name runs; why says what a proof lacks."""

    axis: Axis
    cell: Cell | None
    low_load_run: str = ""
    failing_run: str = ""
    broken: Outcome | None = None
    proven: bool = False
    why: str = ""


def prove(axis: Axis, cell: Cell, low_load: Run | None, failing: Run | None) -> Edge:
    """The edge that these two runs show. A failure counts only after the same machine met `steady` at low load."""
    broken = failing.first_broken() if failing is not None else None
    edge = Edge(
        axis=axis, cell=cell, low_load_run=low_load.name if low_load else "", failing_run=failing.name if failing else "", broken=broken
    )
    why = _lacking(cell, low_load, failing, broken)
    return edge.model_copy(update={"proven": not why, "why": why})


def _lacking(cell: Cell, low_load: Run | None, failing: Run | None, broken: Outcome | None) -> str:
    if low_load is None or low_load.verdict != "passed":
        return "this machine was not seen to work at low load, so that its failure says nothing of the load"
    if failing is None or failing.verdict != "failed" or broken is None:
        return "no sound run of this machine failed"
    for run in (low_load, failing):
        if (run.size.vcpus, run.size.memory_mib) != (cell.vcpus, cell.memory_mib):
            return f"run {run.name} was made on another machine ({run.size})"
    if low_load.scenario != "steady" or low_load.load.results_per_s > failing.load.results_per_s * LOW_LOAD * 1.01:
        return f"run {low_load.name} is not `steady` at low load"
    if low_load.began_at >= failing.began_at:
        return "the run at low load came after the failure"
    return ""

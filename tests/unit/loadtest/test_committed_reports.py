"""The committed reports say what their recorded runs say: recomputed here, so that neither can drift from the other."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from loadtest import recompute
from loadtest.sizing.answer import Sizing, answer
from loadtest.sizing.ledger import Ledger
from loadtest.sizing.request import Request
from loadtest.sizing.size import size
from vm import artefact
from vm.hosting import load_offers

REPORTS = Path(__file__).resolve().parents[3] / "docs/reports"
PRICED_ON = datetime.date(2026, 11, 27)
"""Whether a price is stale depends on the day."""

OF_PRICES = {"eur_per_month", "eur_reason", "offer"}
"""What a new offer changes, without a new run."""


def recalled(folder: Path) -> Sizing:
    return size(artefact.load(Request, folder / "runs/request.json"), Ledger(folder / "runs"), load_offers(), PRICED_ON, None)


@pytest.mark.parametrize("folder", sorted(REPORTS.iterdir()), ids=lambda folder: folder.name)
def test_a_committed_report_follows_from_its_runs(folder: Path) -> None:
    said = json.loads((folder / "report.json").read_text())["answer"]
    found = answer(recalled(folder)).model_dump(mode="json")
    assert {key: found[key] for key in found.keys() - OF_PRICES} == {key: said[key] for key in said.keys() - OF_PRICES}


@pytest.mark.parametrize("folder", sorted(REPORTS.iterdir()), ids=lambda folder: folder.name)
def test_a_committed_report_is_proven_at_both_edges_by_runs_that_were_made(folder: Path) -> None:
    found = answer(recalled(folder))
    assert found.verdict == "passed"
    assert {one.axis for one in found.failing_runs} == {"cpu", "memory"}
    assert not [caveat for caveat in found.caveats if caveat.startswith(("SIMULATED", "not representative", "mixed"))]


@pytest.mark.parametrize("folder", sorted(REPORTS.iterdir()), ids=lambda folder: folder.name)
def test_figures_of_the_runs_that_decide_follow_from_their_raw_data(folder: Path) -> None:
    sizing = recalled(folder)
    found = answer(sizing)
    deciding = {*found.passing_runs, *(one.run for one in found.failing_runs)}
    made = [run for run in sizing.runs if run.name in deciding and run.phases]  # one that broke in the midst has no window
    assert len(made) >= len(deciding) - 1
    for run in made:
        again = recompute.figures(run, folder / "runs/raw" / run.name)
        known = {name: one.value for name, one in run.metrics.items() if name in again}
        assert {"cpu_cores", "memory_peak_mib", "oom_kills", "memory_pressure_full_ratio"} <= known.keys(), run.name
        assert {name: again[name].value for name in known} == pytest.approx(known, rel=1e-4, abs=2e-6), run.name


def test_without_its_failing_runs_a_report_proves_nothing(tmp_path: Path) -> None:
    """The control: the proof stands in the records and not in the code."""
    folder = REPORTS / "50-hosts"
    failing = {one.run for one in answer(recalled(folder)).failing_runs}
    (tmp_path / "runs").mkdir()
    for path in (folder / "runs").glob("*.json"):
        record = json.loads(path.read_text())
        if record.get("run", {}).get("name") not in failing:
            (tmp_path / "runs" / path.name).write_bytes(path.read_bytes())
    assert answer(recalled(tmp_path)).verdict != "passed"

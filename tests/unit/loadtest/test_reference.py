"""The reference figure: what is made of the workload's words, and a small workload that really runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.reference import figure, workload


def told(factor: float = 1.0, **other: Any) -> dict[str, object]:
    """Words of a machine that takes `factor` times as long as the reference."""
    cpu_s = {part: [reference * factor] * 5 for part, reference in figure.REFERENCE_S.items()}
    return {
        "workload": 1, "cpu_model": "x", "plugin": workload.PLUGIN, "rounds": 5, "seconds": 20.0, "cpu_s": cpu_s, "start_ms": {"c": [2.0]}, "lacking": {},
    } | other  # fmt: skip


@given(st.floats(0.05, 20))
def test_a_core_that_takes_twice_as_long_has_half_the_units(factor: float) -> None:
    found = figure.figure("m", told(factor), least_rounds=5)
    assert found.units and found.units.value == pytest.approx(figure.UNITS / factor, rel=1e-2, abs=0.01)
    assert found.of_all_parts == found.units.value and not found.doubts


def test_parts_that_did_not_run_are_named_and_no_figure_is_made_of_the_others() -> None:
    words = told(2.0)
    del words["cpu_s"]["sql"]  # type: ignore[attr-defined]
    found = figure.figure("m", words | {"lacking": {"sql": "no psql"}}, least_rounds=5)
    assert found.units and found.units.value == pytest.approx(50)  # against the same parts of the reference
    assert found.of_all_parts == 0 and found.not_run == {"sql": "no psql"}


@pytest.mark.parametrize(
    ("other", "doubt"),
    [({"rounds": 3}, "3 rounds"), ({"plugin": workload.STAND_IN}, "stood in"), ({"workload": 2}, "number 2")],
)
def test_doubts_are_told(other: dict[str, Any], doubt: str) -> None:
    assert any(doubt in one for one in figure.figure("m", told(**other), least_rounds=5).doubts)


def test_the_interval_spans_all_rounds() -> None:
    one = figure.middle([3.0, 1.0, 2.0])
    assert (one.value, one.low, one.high, one.repeats) == (2.0, 1.0, 3.0, 3)


def test_the_workload_runs_here_and_costs_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "STARTS", 5)
    monkeypatch.setattr(workload, "HANDSHAKES", 2)
    monkeypatch.setattr(workload, "MESSAGES", 20)
    monkeypatch.setattr(workload, "PAGES", 1)
    monkeypatch.setattr(workload, "INTERPRETED_STARTS", 1)
    found = json.loads(json.dumps(workload.main(2, 30.0)))
    assert set(found["cpu_s"]) | set(found["lacking"]) == set(figure.REFERENCE_S)
    assert {"plugin_starts", "tls_json"} <= set(found["cpu_s"])
    assert found["rounds"] == 2 and all(len(rounds) == 2 and min(rounds) > 0 for rounds in found["cpu_s"].values())


def test_a_part_that_lacks_something_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for part in (workload.tls_json, workload.php_page, workload.sql):
        with pytest.raises(workload.Lacking):
            part(tmp_path)


def test_a_plugin_that_does_not_start_is_no_cheap_plugin(tmp_path: Path) -> None:
    broken = tmp_path / "check_broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(workload.Lacking, match="does not start"):
        workload.start([str(broken)], 1)

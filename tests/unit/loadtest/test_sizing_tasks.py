"""size, report and compare as a user calls them, on the recorded example: answers, exit codes, and words for bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Done

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = "tests/recorded/size-example"


Invoke = Callable[..., Done]


def test_size_on_recorded_runs_gives_the_whole_answer(invoke: Invoke) -> None:
    done = invoke("size", "--recorded", EXAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["vcpus"], found["memory_mib"], found["verdict"]) == (0.5, 448, "passed")
    assert found["offer"] == "hetzner-cpx12" and found["eur_per_month"] == 14.27, "the cheapest that anybody compared with a price list"
    assert {(one["axis"], one["proven"]) for one in found["failing_runs"]} == {("cpu", True), ("memory", True)}
    table = invoke("size", "--recorded", EXAMPLE)
    assert table.stdout.split("\n")[0].startswith("note") and "SIMULATED" in table.stdout.split("\n")[0]


def test_what_was_not_recorded_is_missed_by_name(invoke: Invoke) -> None:
    done = invoke("size", "--recorded", EXAMPLE, "--hosts", "49", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["verdict"] == "unfinished" and "49 hosts" in found["why"] and found["passing_run"] is None


def test_report_writes_its_three_files(tmp_path: Path, invoke: Invoke) -> None:
    done = invoke("report", "--recorded", EXAMPLE, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "report.json", "hosting.md"}
    assert all(str(tmp_path / "out" / name) in done.stdout for name in ("report.html", "report.json", "hosting.md"))


def test_compare_reads_two_files(invoke: Invoke) -> None:
    a, b = sorted(path for path in (ROOT / EXAMPLE).glob("*.json") if path.name != "request.json")[:2]
    done = invoke("compare", str(a), str(b), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("size", "--recorded", "/nowhere"), "/nowhere holds no recorded runs"),
        (("size", "--recorded", EXAMPLE, "--runs", "/tmp"), "--runs and --recorded exclude each other"),
        (("size", "--recorded", EXAMPLE, "--quick", "--full"), "--quick and --full exclude each other"),
        (("size", "--recorded", EXAMPLE, "--hosts", "0"), "--hosts"),
        (("size", "--recorded", EXAMPLE, "--hosts", "many"), "--hosts"),
        (("size", "--recorded", EXAMPLE, "--services", "-1"), "--services"),
        (("size", "--recorded", EXAMPLE, "--growth", "0.5"), "--growth"),
        (("size", "--recorded", EXAMPLE, "--budget", "0"), "--budget"),
        (("size", "--recorded", EXAMPLE, "--growth", "nan"), "--growth"),
        (("report", "--runs", "/nowhere"), "there are no runs to tell of yet"),
        (("report", "--recorded", "/nowhere"), "/nowhere holds no recorded runs"),
        (("compare", "no-such-run", f"{EXAMPLE}/request.json", "--recorded", EXAMPLE), "there is no run 'no-such-run'"),
        (("compare", f"{EXAMPLE}/request.json", f"{EXAMPLE}/request.json"), "request.json"),
    ],
)
def test_bad_words_end_with_a_sentence(words: tuple[str, ...], says: str, invoke: Invoke) -> None:
    done = invoke(*words)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr and not done.stdout


def test_compare_takes_the_names_of_a_report(invoke: Invoke) -> None:
    short = json.loads(invoke("size", "--recorded", EXAMPLE, "--json").stdout)
    done = invoke("compare", short["passing_run"], short["failing_runs"][0]["run"], "--recorded", EXAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict_b"] == "failed"

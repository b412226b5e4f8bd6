"""The report: the first line, the first screen, no scripts or outside links, escaping, the same bytes; and two runs side by side."""

from __future__ import annotations

import datetime
import html.parser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import record_example
from simulated import Machine

from loadtest.estimate import Estimate
from loadtest.report import comparison, evidence, render
from loadtest.report.curves import CURVES, curves
from loadtest.report.curves.plot import Missing, Plot
from loadtest.run import Run
from loadtest.sizing.answer import Sizing, answer
from loadtest.sizing.ledger import Ledger
from loadtest.sizing.request import Request
from loadtest.sizing.size import conclude, size
from vm import artefact
from vm.errors import BadInput
from vm.hosting import HostingSpec, load_offers

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "tests/recorded/size-example"
TODAY = datetime.date(2026, 11, 25)
EVIL = "<script>alert(1)</script>\"'&{{ 7*7 }}$\\frac{$--><!--"


def recalled(folder: Path = EXAMPLE) -> Sizing:
    return size(artefact.load(Request, folder / "request.json"), Ledger(folder), load_offers(), TODAY, None)


@pytest.fixture(scope="module")
def sizing() -> Sizing:
    return recalled()


@pytest.fixture(scope="module")
def page(sizing: Sizing) -> str:
    return render.page(sizing)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without curves: drawing takes most of the time, and of these pages the words count."""
    monkeypatch.setattr(render, "curves", lambda _: ())


class Text(html.parser.HTMLParser):
    """What a reader sees of a page, piece by piece; and all elements with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.hidden += tag in ("head", "style", "svg")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("head", "svg") or (tag == "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.pieces.append(" ".join(data.split()))


def changed(sizing: Sizing, **changes: Any) -> Sizing:
    """A sizing whose runs were made elsewhere."""
    runs = tuple(run.model_copy(update={"ran_on": run.ran_on.model_copy(update=changes)}) for run in sizing.runs)
    return conclude(sizing.request, sizing.found, sizing.unfinished, runs, load_offers(), TODAY)


def test_the_recorded_example_is_what_its_maker_makes(tmp_path: Path) -> None:
    record_example.record(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {path.name for path in EXAMPLE.iterdir()}
    for name in names:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), f"{name}: make the example anew"


def test_a_simulated_machine_is_told_on_the_first_line(sizing: Sizing, page: str) -> None:
    assert Text(page).pieces[0].startswith("SIMULATED") and render.specification(sizing).startswith("**SIMULATED")
    assert answer(sizing).caveats[0].startswith("SIMULATED") and "SIMULATED" in page.split("<title>")[1].split("</title>")[0]


def test_an_emulated_machine_is_not_representative_on_the_first_line(sizing: Sizing, undrawn: None) -> None:
    emulated = changed(sizing, cpu_model="Some CPU", accelerator="tcg")
    assert Text(render.page(emulated)).pieces[0].startswith("not representative")
    assert render.specification(emulated).startswith("**not representative")
    native = changed(sizing, cpu_model="Some CPU", accelerator="kvm")
    assert Text(render.page(native)).pieces[0].startswith("The smallest machine for 50 hosts") and not native.caveats


def test_the_first_screen_has_the_answer(sizing: Sizing, page: str) -> None:
    first = " ".join(Text(page.split("<h2>")[0]).pieces)
    short = answer(sizing)
    for words in ("0.5 vCPU", "448 MiB", f"{short.disk_gib} GiB disk", "14.27 EUR", "hetzner-cpx12", "proven at both edges"):
        assert words in first
    for failing in short.failing_runs:
        assert f"{failing.vcpus:g} vCPU and {failing.memory_mib} MiB breaks {failing.objective}" in first


def test_the_page_runs_nothing_and_fetches_nothing(page: str) -> None:
    elements = Text(page).elements
    assert {tag for tag, _ in elements} & {"svg", "table"} == {"svg", "table"}
    assert not {tag for tag, _ in elements} & {"script", "a", "link", "img", "iframe", "object", "embed", "form", "base", "image", "foreignobject"}
    for tag, attributes in elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "action"):
                assert value is not None and value.startswith("#"), (tag, name, value)
    assert not re.search(r"url\((?!#)|@import|javascript:", page)
    assert "default-src 'none'" in page


def test_ids_are_unique_and_every_reference_has_one(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)


def test_each_plot_stands_beside_its_table(sizing: Sizing) -> None:
    drawn = curves(sizing)
    assert [one.title for one in drawn] == [curve.TITLE for curve in CURVES]
    for one in drawn:
        assert isinstance(one, Plot) and one.svg.startswith("<svg") and one.rows and all(len(row) == len(one.head) for row in one.rows)


def test_curves_without_data_say_what_they_need(sizing: Sizing) -> None:
    empty = conclude(sizing.request, None, "nothing was run", (), (), TODAY)
    assert all(isinstance(one, Missing) and one.needs for one in curves(empty))
    text = " ".join(Text(render.page(empty)).pieces)
    assert all(f"Missing: {curve.NEEDS}" in text for curve in CURVES)
    assert "unfinished" in text and "No size is known yet" in render.specification(empty)


def test_what_runs_say_is_escaped(sizing: Sizing) -> None:
    """A hostile name in a run, an objective, a unit of memory, a reason: shown as text, nowhere obeyed."""

    def poisoned(run: Run) -> Run:
        outcomes = tuple(one.model_copy(update={"why": EVIL, "objective": one.objective.model_copy(update={"name": EVIL})}) for one in run.outcomes)
        metrics = run.metrics | {f"memory_peak_{EVIL}_mib": Estimate.exact(5)}
        ran_on = run.ran_on.model_copy(update={"cpu_model": EVIL})
        return run.model_copy(update={"outcomes": outcomes, "metrics": metrics, "ran_on": ran_on, "unsound": (EVIL,), "files": {EVIL: EVIL}})

    runs = tuple(map(poisoned, sizing.runs))
    bad = conclude(sizing.request, sizing.found, EVIL, runs, load_offers(), TODAY)
    found = Text(render.page(bad))
    assert "script" not in {tag for tag, _ in found.elements}
    assert any("<script>alert(1)</script>" in piece for piece in found.pieces), "it is shown"
    assert any("{{ 7*7 }}" in piece for piece in found.pieces) and not any("49" in piece and "alert" in piece for piece in found.pieces)


def test_two_renderings_are_the_same_bytes(sizing: Sizing, tmp_path: Path) -> None:
    first = render.write(sizing, tmp_path / "a")
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\nfrom pathlib import Path\nfrom test_report import recalled\nfrom loadtest.report import render\n"
        "render.write(recalled(), Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "b"), str(ROOT), str(Path(__file__).parent)],
        check=True, cwd=tmp_path, env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path)},
    )  # fmt: skip
    for path in first:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_the_twin_has_answer_and_evidence(sizing: Sizing) -> None:
    twin = json.loads(render.twin(sizing))
    wanted = {"vcpus", "memory_mib", "disk_gib", "eur_per_month", "eur_reason", "limiting_resource", "passing_run", "failing_runs", "verdict"}
    assert wanted <= set(twin["answer"])
    names = {run["name"] for run in twin["sizing"]["runs"]}
    assert twin["answer"]["passing_run"] in names and {one["run"] for one in twin["answer"]["failing_runs"]} <= names


def test_a_specification_can_be_pasted_into_a_mail(sizing: Sizing) -> None:
    text = render.specification(sizing)
    assert all(must in text for must in ("console", "IPv4", "root", "grow", "EUR a month", "GiB", "MiB", "vCPU"))
    assert "<" not in text and "\n\n\n" not in text and not any(line.endswith(" ") for line in text.splitlines())


SPEC = HostingSpec(vcpus=1, memory_mib=2048, disk_gib=20)


def verdicts(a: Run, b: Run) -> dict[str, str]:
    return {one.metric: one.verdict for one in comparison.compare(a, b).metrics}


def test_only_differences_beyond_the_intervals_are_real() -> None:
    load = Request().load
    base = Machine(noise=0.02).run(SPEC, load, "steady", "short", 0)
    again = Machine(noise=0.02).run(SPEC, load, "steady", "short", 1)
    costly = Machine(noise=0.02, cpu_s_per_result=0.0116).run(SPEC, load, "steady", "short", 0)
    assert verdicts(base, base) == dict.fromkeys(base.metrics, "within the intervals")
    assert verdicts(base, again)["memory_peak_mib"] == "within the intervals"
    found = verdicts(base, costly)
    assert found["cpu_cores"] == "real" and found["memory_peak_mib"] == "within the intervals"


def test_nothing_is_real_that_was_measured_once_or_is_invalid() -> None:
    load = Request().load
    a, b = (Machine(cpu_s_per_result=cost).run(SPEC, load, "steady", "short", 0) for cost in (0.005, 0.01))
    once = a.model_copy(update={"metrics": {"cpu_cores": Estimate.exact(a.metrics["cpu_cores"].value)}})
    assert verdicts(once, b)["cpu_cores"] == "no telling" and verdicts(once, b)["memory_peak_mib"] == "only one has it"
    invalid = b.model_copy(update={"verdict": "invalid", "unsound": ("the host was too noisy",)})
    assert set(verdicts(a, invalid).values()) <= {"no telling", "within the intervals"} | {"no telling"}
    assert comparison.compare(a, invalid).warnings == ("B is invalid: the host was too noisy",)


def test_what_else_was_not_the_same_is_told() -> None:
    a = Machine().run(SPEC, Request().load, "steady", "short", 0)
    b = Machine(accelerator="tcg").run(SPEC.model_copy(update={"vcpus": 0.5}), Request(hosts=20).load, "people", "short", 0)
    found = comparison.compare(a, b)
    assert {line.split(":")[0] for line in found.other} == {"scenario", "size", "load", "driver"}
    assert any("B is not representative" in warning for warning in found.warnings)


def test_the_table_of_a_comparison_can_be_printed() -> None:
    from rich.console import Console

    a, b = (Machine().run(SPEC, Request().load, "collect", "short", repeat) for repeat in (0, 1))
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(comparison.table(comparison.compare(a, b)))
    assert "collect_s" in console.export_text()


def test_larger_sizes_than_the_host_measures_are_predicted_and_say_so(sizing: Sizing, page: str) -> None:
    assert [one.vcpus for one in sizing.larger] == [2, 4] and sizing.larger[0].multiple < sizing.larger[1].multiple
    assert all(one.how == "predicted, not run" for one in sizing.larger) and "predicted, not run" in " ".join(Text(page).pieces)


def test_repeats_that_disagree_are_told(sizing: Sizing, page: str, undrawn: None) -> None:
    assert "trials disagreed" not in page
    twice = next(run for run in sizing.runs if run.verdict == "passed" and run.load == sizing.request.load)
    other = twice.model_copy(update={"verdict": "failed", "name": "again"})
    assert "trials disagreed" in render.page(sizing.model_copy(update={"runs": (*sizing.runs, other)}))
    (phase,) = other.phases[-1:]
    longer = other.model_copy(update={"phases": (*other.phases[:-1], phase.model_copy(update={"ends_s": phase.ends_s + 600}))})
    assert "trials disagreed" not in render.page(sizing.model_copy(update={"runs": (*sizing.runs, longer)})), "which demands more"


def test_a_ramp_that_breaks_nothing_says_from_where_on_nothing_is_known(sizing: Sizing, undrawn: None) -> None:
    ramp = next(run for run in sizing.runs if run.scenario == "ramp")
    carried = ramp.metrics["carried_multiple"]
    unbroken = ramp.model_copy(update={"metrics": {name: value for name, value in ramp.metrics.items() if name != "broke_at_multiple"}})
    found = conclude(sizing.request, sizing.found, "", tuple(unbroken if run is ramp else run for run in sizing.runs), load_offers(), TODAY)
    assert [(one.resource, one.multiple) for one in found.limits if one.how == "at least"] == [("cpu", carried.value)]
    assert "at least" in render.page(found) and "at least" not in [one.how for one in sizing.limits]


def test_what_a_vm_takes_more_than_a_container_is_in_the_order_or_missed(sizing: Sizing, undrawn: None) -> None:
    without = conclude(sizing.request.model_copy(update={"vm_memory_mib": None}), sizing.found, "", sizing.runs, load_offers(), TODAY)
    assert sizing.need is not None and without.need is not None
    assert sizing.need.memory_mib - without.need.memory_mib == pytest.approx(84)
    assert "84 MiB of memory" in render.page(sizing) and "was not measured and is not in the order" in render.page(without)
    native = changed(sizing, driver="libvirt")
    assert native.need is not None and native.need.memory_mib == pytest.approx(without.need.memory_mib)


def test_evidence_is_laid_beside_a_report_and_gives_the_same_answer(sizing: Sizing, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(EXAMPLE, runs)
    told = sizing.runs[0].model_copy(update={"files": {"samples": "samples.csv.gz", "results": "results.csv.gz", "load": "load.json"}})
    kept = next(one for one in Ledger(runs).all() if one.run.name == told.name)
    Ledger(runs).keep(kept.asked, told)
    for name in told.files.values():
        (runs / "raw" / told.name).mkdir(parents=True, exist_ok=True)
        (runs / "raw" / told.name / name).write_text(name)
    files = evidence.lay(recalled(runs), runs, tmp_path / "kept")
    assert {path.name for path in files if "raw" in path.parts} == {"samples.csv.gz", "results.csv.gz"}
    assert len([path for path in files if "raw" not in path.parts]) == len(sizing.runs) + 1
    assert answer(recalled(tmp_path / "kept")) == answer(sizing)
    with pytest.raises(BadInput, match="is there already"):
        evidence.lay(sizing, runs, tmp_path / "kept")

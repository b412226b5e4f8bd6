"""Requirements, what tests found and what the operator said: the matrix, its files, and lists that do not fit."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from provision.accept import files, operator, requirements, tests
from provision.accept.matrix import Matrix, Shown, matrix
from provision.accept.operator import Operator
from provision.accept.requirements import Requirement
from vm.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
TODAY = datetime.date(2026, 11, 26)
LIST = """
[[requirement]]
id = "A-1"
level = "MUST"
text = "works <script>"
source = "here"

[[requirement]]
id = "A-2"
level = "SHOULD"
text = "is sound"
source = "here"
argued = { text = "because", on = 2026-11-01, source = "a page" }

[[requirement]]
id = "A-3"
level = "MUST"
text = "is trusted"
source = "here"
declared = true

[[requirement]]
id = "A-4"
level = "MUST NOT"
text = "breaks"
source = "here"
open = "half of it is not tried"
"""
SAID = """
[[declared]]
id = "A-3"
text = "we know them"
by = "ops"
on = 2026-11-20

[[accepted]]
id = "A-4"
why = "until winter"
by = "ops"
until = 2026-11-26
"""


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Requirement, ...]:
    (tmp_path / "list.toml").write_text(LIST)
    return requirements.read(tmp_path / "list.toml")


def said(tmp_path: Path, listed: tuple[Requirement, ...], text: str = SAID) -> Operator:
    (tmp_path / "operator.toml").write_text(text)
    return operator.read(tmp_path / "operator.toml", listed)


PASSED = Shown(name="t1", ids=("A-1", "A-4"), outcome="passed", seconds=2, evidence=("a mail came",))


def results(found: Matrix) -> dict[str, str]:
    return {row.id: row.result for row in found.requirements}


def test_what_tests_show_and_what_the_operator_says_stand_side_by_side(tmp_path: Path, listed: tuple[Requirement, ...]) -> None:
    found = matrix(listed, [PASSED], said(tmp_path, listed), TODAY, "a lab")
    assert results(found) == {"A-1": "proven", "A-2": "argued", "A-3": "declared", "A-4": "unmet, accepted"}
    assert not found.unmet and found.requirements[0].evidence == ("t1: a mail came",)
    assert found.requirements[3].evidence == ("by ops until 2026-11-26: until winter", "open", "half of it is not tried", "t1: a mail came")


def test_an_acceptance_ends_and_nothing_is_declared_by_itself(tmp_path: Path, listed: tuple[Requirement, ...]) -> None:
    found = matrix(listed, [PASSED], said(tmp_path, listed), TODAY + datetime.timedelta(1), "a lab")
    assert results(found)["A-4"] == "open" and [row.id for row in found.unmet] == ["A-4"]
    alone = matrix(listed, [PASSED], Operator(), TODAY, "a lab")
    assert results(alone)["A-3"] == "not declared" and [row.id for row in alone.unmet] == ["A-3", "A-4"]


@pytest.mark.parametrize(
    ("tests_of", "result"),
    [
        ([], "not run"), (["passed"], "proven"), (["passed", "not run"], "not run"), (["passed", "failed"], "failed"), (["failed", "not run"], "failed"),
    ],
)  # fmt: skip
def test_an_id_is_proven_when_all_its_tests_passed(listed: tuple[Requirement, ...], tests_of: list[str], result: str) -> None:
    made = [Shown.model_validate({"name": f"t{number}", "ids": ["A-1"], "outcome": outcome}) for number, outcome in enumerate(tests_of)]
    assert results(matrix(listed, made, Operator(), TODAY, ""))["A-1"] == result


@pytest.mark.parametrize(
    ("tests_of", "result"),
    [([], "not asked"), (["passed"], "proven"), (["passed", "not asked"], "not asked"), (["not asked", "failed"], "failed"), (["passed", "not run"], "not run")],
)  # fmt: skip
def test_what_nobody_asked_for_is_neither_proven_nor_unmet(tmp_path: Path, listed: tuple[Requirement, ...], tests_of: list[str], result: str) -> None:
    made = [Shown.model_validate({"name": f"t{number}", "ids": ["A-1"], "outcome": outcome}) for number, outcome in enumerate(tests_of)]
    found = matrix(listed, made, Operator(), TODAY, "", partly=True)
    assert results(found) == {"A-1": result, "A-2": "argued", "A-3": "not asked", "A-4": "not asked"}
    assert [row.id for row in found.unmet] == (["A-1"] if result in ("failed", "not run") else [])
    failures = [one.get("name") for one in ElementTree.fromstring(files.junit(found)).iter("testcase") if one.find("failure") is not None]
    assert failures == [row.id for row in found.unmet]
    assert results(matrix(listed, made, said(tmp_path, listed), TODAY, "", partly=True))["A-4"] == "not asked", "nor does an acceptance change that"


def test_an_open_one_whose_part_fails_has_failed(listed: tuple[Requirement, ...]) -> None:
    assert results(matrix(listed, [PASSED.model_copy(update={"outcome": "failed"})], Operator(), TODAY, ""))["A-4"] == "failed"


def test_no_acceptance_covers_what_is_shown(tmp_path: Path, listed: tuple[Requirement, ...]) -> None:
    text = SAID.replace('id = "A-4"', 'id = "A-1"')
    assert results(matrix(listed, [PASSED], said(tmp_path, listed, text), TODAY, ""))["A-1"] == "proven"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SAID.replace("A-3", "B-9"), "is no requirement"), (SAID.replace("A-3", "A-1"), "not the operator's to declare"), ("declared = 3", "is none"),
        ("[[", "cannot be read"), (SAID.replace("until = 2026-11-26", "until = 'soon'"), "is none"),
    ],
)  # fmt: skip
def test_an_operators_file_that_is_none_is_bad_input(tmp_path: Path, listed: tuple[Requirement, ...], text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        said(tmp_path, listed, text)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("A-2", "A-1", "is there twice"), ("declared = true", 'declared = true\nopen = "x"', "in two ways"), ('level = "MUST"', 'level = "WILL"', "is none"), ("[[", "[", "cannot be read")],
)  # fmt: skip
def test_a_list_that_is_none_is_bad_input(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "list.toml").write_text(LIST.replace(old, new))
    with pytest.raises(BadInput, match=words):
        requirements.read(tmp_path / "list.toml")


def test_lists_that_do_not_fit_are_told(listed: tuple[Requirement, ...]) -> None:
    assert requirements.disagreements(listed, {"A-1", "A-4"}) == []
    assert requirements.disagreements(listed, {"A-2", "Z-1"}) == [
        "a test names Z-1, which is no requirement", "A-1 has no test, and is neither argued, declared nor open", "A-2 has a test, and is argued too",
    ]  # fmt: skip


def test_the_projects_own_list_fits_its_tests() -> None:
    cases = tests.collect(ROOT, "THREAT-N1 or conf1")
    assert requirements.disagreements(requirements.read(), {one for case in cases for one in case.ids}) == []
    assert tests.unplaced(cases) == [] and len(cases) > 100
    asked = [case for case in cases if case.asked]
    assert {case.node for case in asked} == {case.node for case in cases if "THREAT-N1" in case.ids or "conf1" in case.node}
    assert {"THREAT-N1", "CONF-1"} <= {one for case in asked for one in case.ids}, "-k matches ids, and names as before"


JUNIT = """<testsuites><testsuite><testcase classname="tests.acceptance.test_x" name="test_a[1]" time="1.25">
<properties><property name="evidence" value="seen"/><property name="other" value="x"/></properties></testcase>
<testcase classname="tests.acceptance.test_x" name="test_b" time="2"><failure message="assert 1 == 2">trace</failure></testcase>
<testcase classname="tests.acceptance.test_x" name="test_c" time="0"><error message="set-up failed">trace</error></testcase>
</testsuite></testsuites>"""


def case(name: str, ids: tuple[str, ...] = ("A-1",), *, project: bool = False, asked: bool = True) -> tests.Case:
    return tests.Case(node=f"tests/acceptance/test_x.py::{name}", ids=ids, project=project, asked=asked)


def test_a_test_has_ids_or_is_about_the_project() -> None:
    assert tests.unplaced([case("good"), case("project", ids=(), project=True)]) == []
    lost, both = tests.unplaced([case("lost", ids=()), case("both", project=True)])
    assert "::lost names no requirement" in lost and "::both names a requirement" in both


def test_what_pytest_wrote_is_read_and_what_it_did_not_tell_was_not_run() -> None:
    found = tests.read(JUNIT, [case("test_a[1]"), case("test_b"), case("test_c"), case("test_d"), case("test_e", asked=False), case("test_f", ids=())])
    assert [(one.name, one.outcome, one.evidence) for one in found] == [
        ("test_a[1]", "passed", ("seen",)), ("test_b", "failed", ("assert 1 == 2",)), ("test_c", "failed", ("set-up failed",)), ("test_d", "not run", ()),
        ("test_e", "not asked", ()),
    ]  # fmt: skip
    assert found[0].seconds == 1.2


def test_the_files_have_every_id_and_no_script(tmp_path: Path, listed: tuple[Requirement, ...]) -> None:
    found = matrix(listed, [PASSED.model_copy(update={"evidence": ("<script>alert(1)</script>",)})], Operator(), TODAY, "a lab")
    page, twin, junit = (path.read_text() for path in files.write(found, tmp_path / "out"))
    assert "<script" not in page and "&lt;script&gt;" in page and "http" not in page.split("<body>")[1]
    assert [one["id"] for one in json.loads(twin)["requirements"]] == ["A-1", "A-2", "A-3", "A-4"]
    cases = {case.get("name"): case for case in ElementTree.fromstring(junit).iter("testcase")}
    assert set(cases) == {"A-1", "A-2", "A-3", "A-4"}
    assert {name for name, case in cases.items() if case.find("failure") is not None} == {"A-3", "A-4"}

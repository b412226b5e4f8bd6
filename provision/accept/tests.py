"""Runs the tests that name requirements, and reads from pytest's own JUnit file how they ended and what they saw.

Tests name ids with `@pytest.mark.requirement("ID", ...)` and tell what they saw with pytest's `record_property("evidence", text)`. A test that shows none, as it is
about the project itself, says so with `@pytest.mark.project`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from pydantic import TypeAdapter

from provision.accept.matrix import Shown
from vm.artefact import Record
from vm.errors import BadInput, WatchpostError

COLLECTED_TO = "WATCHPOST_REQUIREMENTS_TO"
"""Where tests/acceptance/conftest.py writes the tests that are there, as `Cases`, before one runs."""
KEPT_IN = "WATCHPOST_KEPT_IN"
"""Directory for what tests keep as evidence, which names files relative to it; by default the lab's own, which goes with the lab."""
ALL_AGENTS = {"WATCHPOST_TEST_AGENTS": "all"}
"""Real machines of each release, as the requirements ask for, where `invoke test` has one."""
TESTS = "tests/acceptance"
MOST = 500
"""Characters of a failure."""


class Case(Record):
    """A test as pytest collects it. project: it shows no requirement, on purpose; asked: not left out by -k or -m."""

    node: str
    ids: tuple[str, ...]
    project: bool
    asked: bool


CASES = TypeAdapter(tuple[Case, ...])


def run(checkout: Path, lab: str, keyword: str, kept: Path) -> tuple[Shown, ...]:
    """Run the tests on a lab (empty: one of their own) and say what each came to; pictures and the like go to the directory `kept`. Raises WatchpostError when not even collecting works, BadInput where no test matches."""
    with tempfile.TemporaryDirectory(prefix="watchpost-accept-") as directory:
        target, junit = Path(directory, "cases.json"), Path(directory, "junit.xml")
        argv = [*_argv(keyword), "-vv", "-m", "requirement", f"--junitxml={junit}"]
        environment = _environment(target) | {KEPT_IN: str(kept.absolute())} | ({"WATCHPOST_TEST_LAB": lab} if lab else {})
        process = subprocess.Popen(argv, cwd=checkout, env=environment, stdout=sys.stderr)
        try:
            process.wait()
        except KeyboardInterrupt:
            if not sys.stdin.isatty():  # a terminal's Ctrl-C has reached pytest already
                process.send_signal(signal.SIGINT)
            process.wait()
        if not target.exists() or not junit.exists():
            raise WatchpostError("the acceptance tests did not begin; pytest's own words are above", str(checkout / TESTS))
        cases = CASES.validate_json(target.read_bytes())
        if keyword and not any(case.asked for case in cases):
            raise BadInput(f"no test of a requirement matches -k {keyword}", str(checkout / TESTS), "name an id of docs/requirements.toml, or a part of one")
        return read(junit.read_text(encoding="utf-8"), cases)


def collect(checkout: Path, keyword: str = "") -> tuple[Case, ...]:
    """The tests that are there, by collecting alone. Raises WatchpostError when that does not work."""
    with tempfile.TemporaryDirectory(prefix="watchpost-accept-") as directory:
        target = Path(directory, "cases.json")
        argv = [*_argv(keyword), "--collect-only", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(argv, cwd=checkout, env=_environment(target), capture_output=True, text=True)
        if done.returncode or not target.exists():
            raise WatchpostError(f"the acceptance tests cannot be collected: {done.stdout[-300:]}", str(checkout / TESTS))
        return CASES.validate_json(target.read_bytes())


def unplaced(cases: Iterable[Case]) -> list[str]:
    """Tests that show no requirement and do not say that this is on purpose, or say both, in words. Pure."""
    cases = list(cases)
    neither = [f"{case.node} names no requirement, and has no mark `project` either" for case in cases if not case.ids and not case.project]
    return neither + [f"{case.node} names a requirement, and has the mark `project` too" for case in cases if case.ids and case.project]


def _argv(keyword: str) -> list[str]:
    return [sys.executable, "-m", "pytest", TESTS, *(["-k", keyword] if keyword else [])]


def _environment(target: Path) -> dict[str, str]:
    return os.environ | ALL_AGENTS | {COLLECTED_TO: str(target)}


def read(junit: str, cases: Iterable[Case]) -> tuple[Shown, ...]:
    """What JUnit tells of the tests that name ids; one that it does not tell of was not run. Pure."""
    told = {f"{case.get('classname')}.{case.get('name')}": case for case in ElementTree.fromstring(junit).iter("testcase")}
    return tuple(_shown(case, told.get(_junit_name(case.node))) for case in cases if case.ids)


def _junit_name(node: str) -> str:
    path, _, name = node.partition("::")
    return f"{path.removesuffix('.py').replace('/', '.')}.{name.replace('::', '.')}"


def _shown(case: Case, told: ElementTree.Element | None) -> Shown:
    name = case.node.rpartition("::")[2]
    if told is None or told.find("skipped") is not None:
        return Shown(name=name, ids=case.ids, outcome="not run" if case.asked else "not asked")
    wrong = next((found for kind in ("failure", "error") if (found := told.find(kind)) is not None), None)
    seen = tuple(str(one.get("value")) for one in told.iter("property") if one.get("name") == "evidence")
    outcome: Literal["passed", "failed"] = "passed" if wrong is None else "failed"
    if wrong is not None:
        seen = (str(wrong.get("message") or "failed")[:MOST],)
    return Shown(name=name, ids=case.ids, outcome=outcome, seconds=round(float(told.get("time") or 0), 1), evidence=seen)

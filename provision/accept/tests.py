"""Runs the tests that name requirements, and reads from pytest's own JUnit file how they ended and what they saw.

Tests name ids with `@pytest.mark.requirement("ID", ...)` and tell what they saw with pytest's `record_property("evidence", text)`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from provision.accept.matrix import Shown
from vm.errors import WatchpostError

NAMED_TO = "WATCHPOST_REQUIREMENTS_TO"
"""Where tests/acceptance/conftest.py writes which test names which ids, before a test runs."""
ALL_AGENTS = {"WATCHPOST_TEST_AGENTS": "all"}
"""Real machines of each release, as the requirements ask for, where `invoke test` has one."""
TESTS = "tests/acceptance"
MOST = 500
"""Characters of a failure."""


def run(checkout: Path, lab: str, keyword: str) -> tuple[Shown, ...]:
    """Run the tests on a lab (empty: one of their own) and say what each came to. Raises WatchpostError when not even collecting works."""
    with tempfile.TemporaryDirectory(prefix="watchpost-accept-") as directory:
        target, junit = Path(directory, "named.json"), Path(directory, "junit.xml")
        argv = [sys.executable, "-m", "pytest", "-vv", "-m", "requirement", f"--junitxml={junit}", TESTS]
        environment = os.environ | ALL_AGENTS | {NAMED_TO: str(target)} | ({"WATCHPOST_TEST_LAB": lab} if lab else {})
        process = subprocess.Popen([*argv, "-k", keyword] if keyword else argv, cwd=checkout, env=environment, stdout=sys.stderr)
        try:
            process.wait()
        except KeyboardInterrupt:
            if not sys.stdin.isatty():  # a terminal's Ctrl-C has reached pytest already
                process.send_signal(signal.SIGINT)
            process.wait()
        if not target.exists() or not junit.exists():
            raise WatchpostError("the acceptance tests did not begin; pytest's own words are above", str(checkout / TESTS))
        return read(junit.read_text(encoding="utf-8"), json.loads(target.read_text(encoding="utf-8")))


def named(checkout: Path) -> dict[str, list[str]]:
    """Which test names which ids, by collecting alone. Raises WatchpostError when that does not work."""
    with tempfile.TemporaryDirectory(prefix="watchpost-accept-") as directory:
        target = Path(directory, "named.json")
        argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "requirement", "-p", "no:cacheprovider", TESTS]
        done = subprocess.run(argv, cwd=checkout, env=os.environ | ALL_AGENTS | {NAMED_TO: str(target)}, capture_output=True, text=True)
        if not target.exists():
            raise WatchpostError(f"the acceptance tests cannot be collected: {done.stdout[-300:]}", str(checkout / TESTS))
        found: dict[str, list[str]] = json.loads(target.read_text(encoding="utf-8"))
        return found


def read(junit: str, ids: Mapping[str, list[str]]) -> tuple[Shown, ...]:
    """What JUnit tells of the tests that name ids; one that it does not tell of was not run. Pure."""
    told = {f"{case.get('classname')}.{case.get('name')}": case for case in ElementTree.fromstring(junit).iter("testcase")}
    return tuple(_shown(node, mine, told.get(_junit_name(node))) for node, mine in ids.items())


def _junit_name(node: str) -> str:
    path, _, name = node.partition("::")
    return f"{path.removesuffix('.py').replace('/', '.')}.{name.replace('::', '.')}"


def _shown(node: str, ids: list[str], case: ElementTree.Element | None) -> Shown:
    name = node.rpartition("::")[2]
    if case is None or case.find("skipped") is not None:
        return Shown(name=name, ids=tuple(ids), outcome="not run")
    wrong = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
    seen = tuple(str(one.get("value")) for one in case.iter("property") if one.get("name") == "evidence")
    outcome: Literal["passed", "failed"] = "passed" if wrong is None else "failed"
    if wrong is not None:
        seen = (str(wrong.get("message") or "failed")[:MOST],)
    return Shown(name=name, ids=tuple(ids), outcome=outcome, seconds=round(float(case.get("time") or 0), 1), evidence=seen)

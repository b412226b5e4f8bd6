"""The project's own checks: linters, types, Puppet's parser and style, and pytest."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from provision import running
from provision.accept import requirements, tests
from vm.command import run
from vm.errors import WatchpostError
from vm.progress import note

UNIT = (
    ("tests/unit/puppet_fixtures/test_catalogs.py", "tests/unit/puppet_fixtures/test_fleet.py", "tests/unit/puppet_fixtures/test_quote.py", "tests/unit/puppet_fixtures/test_render.py", "tests/unit/puppet_fixtures/test_notifier.py", "tests/unit/puppet_fixtures/test_overview.py"),
    ("tests/unit/puppet_fixtures/test_plan.py", "tests/unit/puppet_fixtures/test_plugins.py", "tests/unit/puppet_fixtures/test_enrolment_policy.py"),
    ("tests/unit/vm", "tests/unit/provision", "tests/unit/test_imports.py"),
    ("tests/unit/loadtest",),
)
"""Unit tests in parts that run side by side; many tests only wait, so that there are more parts than cores."""

TEARDOWN_S = 120
"""For the acceptance tests to remove their lab when they are interrupted; .ci/run waits longer before it ends all."""


def static(checkout: Path) -> None:
    """ruff, mypy, import directions, Puppet's parser, puppet-lint, and whether tests and the list of requirements fit. Raises WatchpostError with what the first failing one said."""
    manifests = [str(path.relative_to(checkout)) for top in ("puppet_fixtures", "loadtest") for path in sorted((checkout / top).rglob("*.pp"))]
    tools = {
        "ruff": [sys.executable, "-m", "ruff", "check", "."],
        "mypy": [sys.executable, "-m", "mypy", "--strict", "tasks.py", "vm", "puppet_fixtures", "provision", "loadtest"],
        "import directions": pytest_argv(["tests/unit/test_imports.py"]),
        "puppet parser": ["puppet", "parser", "validate", *manifests],
        "puppet-lint": ["puppet-lint", "--fail-on-warnings", "--no-140chars-check", "--relative", *manifests],
    }
    failed = []
    for name, argv in tools.items():
        result = run(argv, cwd=checkout, check=False)
        note(f"{name}: {'ok' if result.returncode == 0 else 'FAILED'}")
        if result.returncode:
            failed.append(name)
            print(result.stdout + result.stderr)
    cases = tests.collect(checkout)
    wrong = requirements.disagreements(requirements.read(), {one for case in cases for one in case.ids}) + tests.unplaced(cases)
    note(f"requirements: {'FAILED' if wrong else 'ok'}")
    if wrong:
        failed.append("requirements")
        print("\n".join(wrong))
    if failed:
        raise WatchpostError(f"these checks failed: {', '.join(failed)}", str(checkout))


def unit_tests(checkout: Path) -> int:
    """Run the parts of the unit tests side by side, each part's output in one piece; the worst exit code."""
    running.tell("unit tests")
    with contextlib.ExitStack() as ending:
        later = []
        for part in UNIT[1:]:
            said = ending.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(pytest_argv(part), cwd=checkout, stdout=said, stderr=said)
            ending.callback(end, process)
            later.append((process, said))
        codes = [subprocess.run(pytest_argv(UNIT[0]), cwd=checkout).returncode]
        for process, said in later:
            codes.append(process.wait())
            said.seek(0)
            sys.stdout.write(said.read().decode(errors="replace"))
            sys.stdout.flush()
    return max(codes, key=abs)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, as after Ctrl-C."""
    if process.poll() is None:
        process.terminate()
        process.wait()


def acceptance_tests(checkout: Path, *, thorough: bool = False) -> int:
    """Run the acceptance tests, each named when it begins; pytest's exit code. Interrupted, they have time to remove their lab.

    thorough: those too that take minutes for what changes seldom. What took longest is told at the end.
    """
    running.tell("acceptance tests")
    which = [] if thorough else ["-m", "not thorough"]
    process = subprocess.Popen(pytest_argv(["-p", running.__name__, "-vv", "--durations=30", *which, "tests/acceptance"]), cwd=checkout)
    try:
        return process.wait()
    except KeyboardInterrupt:
        if not sys.stdin.isatty():  # a terminal's Ctrl-C has reached pytest already
            process.send_signal(signal.SIGINT)
        try:
            process.wait(TEARDOWN_S)
        except subprocess.TimeoutExpired:
            note(f"the tests did not take down their lab within {TEARDOWN_S} s and are ended; `invoke destroy --lab NAME` removes it")
            process.kill()
            process.wait()
        raise


def pytest_argv(places: Sequence[str]) -> list[str]:
    """pytest in our own Python."""
    return [sys.executable, "-m", "pytest", *places]

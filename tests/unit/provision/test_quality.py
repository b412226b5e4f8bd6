"""No unit test is left out because of where it lies; a run that has to be ended says where it was."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provision import quality, running

ROOT = Path(__file__).resolve().parents[3]


def test_the_parts_have_every_unit_test_once() -> None:
    named = [path for part in quality.UNIT for place in part for path in files(ROOT / place)]
    assert sorted(named) == sorted(files(ROOT / "tests/unit")) and len(set(named)) == len(named)


def files(place: Path) -> list[Path]:
    """The test files at a place."""
    return [place] if place.is_file() else list(place.rglob("test_*.py"))


def ci(folder: Path, bootstrap: str, *seconds: str) -> subprocess.CompletedProcess[str]:
    """CI's command with another ./bootstrap."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "bootstrap").write_text(f"#!/bin/bash\n{bootstrap}\n")
    (folder / "bootstrap").chmod(0o755)
    return subprocess.run([folder / ".ci/run", *seconds], capture_output=True, text=True, timeout=30, env={**os.environ, "TMPDIR": str(folder)})


TEST = "tests/acceptance/test_x.py::test_that_hangs"


@pytest.mark.parametrize(
    ("bootstrap", "seconds", "code", "said"),
    [
        (f'echo {TEST} >"$WATCHPOST_RUNNING"; trap "echo lab removed; exit 130" INT; while :; do sleep 0.1; done', ("21", "20"), 124, f"ci: gave up after 1 s, in {TEST}\n"),
        (f'echo {TEST} >"$WATCHPOST_RUNNING"; trap "" INT; while :; do sleep 0.1; done', ("2", "1"), 137, f"ci: gave up after 1 s, in {TEST}\n"),
        ("trap 'exit 130' INT; while :; do sleep 0.1; done", ("21", "20"), 124, "ci: gave up after 1 s, in set-up and static checks\n"),
        ("exit 1", (), 1, ""),
        ("exit 0", (), 0, ""),
    ],
)
def test_ci_names_what_was_running(tmp_path: Path, bootstrap: str, seconds: tuple[str, ...], code: int, said: str) -> None:
    done = ci(tmp_path, bootstrap, *seconds)
    assert (done.returncode, done.stderr.splitlines(keepends=True)[-1:]) == (code, [said] if said else []), done
    assert ("lab removed" in done.stdout) is ("lab removed" in bootstrap), "what takes the lab down has its time and its words"
    assert not list(tmp_path.glob("watchpost-running.*"))


def test_a_test_is_named_when_it_begins(tmp_path: Path) -> None:
    place = tmp_path / "running"
    (tmp_path / "test_one.py").write_text(f"def test_it() -> None:\n    assert open({str(place)!r}).read().strip().endswith('test_one.py::test_it')\n")
    argv = [*quality.pytest_argv(["-p", running.__name__, "-c", "/dev/null", str(tmp_path)])]
    for env, code in (({running.FILE: str(place)}, 0), ({}, 1)):
        place.unlink(missing_ok=True)
        assert subprocess.run(argv, cwd=ROOT, capture_output=True, env={**os.environ, **env}).returncode == code


def test_tests_that_do_not_take_down_their_lab_are_ended_in_words(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []

    class Stubborn:
        def __init__(self, *_: object, **__: object) -> None:
            self.waits = iter([KeyboardInterrupt(), subprocess.TimeoutExpired("pytest", 1)])

        def wait(self, _: float = 0) -> int:
            for error in self.waits:
                raise error
            return 0

        def send_signal(self, _: int) -> None:
            done.append("interrupted")

        def kill(self) -> None:
            done.append("killed")

    monkeypatch.setattr(subprocess, "Popen", Stubborn)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(KeyboardInterrupt):
        quality.acceptance_tests(ROOT)
    assert done == ["interrupted", "killed"] and "did not take down their lab" in capfd.readouterr().err

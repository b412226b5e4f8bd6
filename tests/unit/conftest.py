"""What unit tests of several layers share: a task run as Invoke runs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from invoke.main import program

from vm import lab, progress

ROOT = Path(__file__).resolve().parents[2]
hypothesis.settings.register_profile("project", deadline=None)  # how long an example takes is the host's business
hypothesis.settings.load_profile("project")


@dataclass(frozen=True)
class Done:
    """How a task ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Callable[..., Done]]:
    """Run a task by Invoke's own program in this process: importing everything for each word would take most of the time. Labs and logs are below tmp_path."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(lab, "STATE", tmp_path)
    monkeypatch.setattr(os, "execvp", lambda *argv: pytest.fail(f"became another program: {argv}"))

    def run(*words: str) -> Done:
        code: object = 0
        try:
            program.run(["invoke", *words])
        except SystemExit as ending:
            code = ending.code
        return Done(code if isinstance(code, int) else -1, *capfd.readouterr())

    before = list(progress.LOG.handlers)
    yield run
    for handler in set(progress.LOG.handlers) - set(before):
        progress.LOG.removeHandler(handler)
        handler.close()

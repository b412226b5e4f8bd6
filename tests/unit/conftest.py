"""What unit tests of several layers share: a task run as Invoke runs it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from invoke.main import program

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """How a task ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a task by Invoke's own program in this process: importing everything for each word would take most of the time."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(os, "execvp", lambda *argv: pytest.fail(f"became another program: {argv}"))

    def run(*words: str) -> Done:
        code: object = 0
        try:
            program.run(["invoke", *words])
        except SystemExit as ending:
            code = ending.code
        return Done(code if isinstance(code, int) else -1, *capfd.readouterr())

    return run

"""Starts the slow compiling before the first test, so that it is done beside tests that wait for something else."""

from __future__ import annotations

import sys

import pytest


def pytest_runtestloop(session: pytest.Session) -> None:
    """Before the first test. A module's `early`, if it has one, starts what takes long and returns at once."""
    if session.config.option.collectonly:
        return
    for name in {item.module.__name__ for item in session.items if isinstance(item, pytest.Function)}:
        if start := getattr(sys.modules[name], "early", None):
            start()

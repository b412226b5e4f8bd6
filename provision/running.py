"""What `test` is at, in a file for who has to end it when time is up (.ci/run). A plug-in of pytest, too: each test is named when it begins."""

from __future__ import annotations

import os
from pathlib import Path

FILE = "WATCHPOST_RUNNING"
"""The environment variable that names the file; without it nobody asks."""


def tell(what: str) -> None:
    """Say what is running now."""
    if place := os.environ.get(FILE):
        Path(place).write_text(f"{what}\n", encoding="utf-8")


def pytest_runtest_logstart(nodeid: str) -> None:
    """A test begins."""
    tell(nodeid)

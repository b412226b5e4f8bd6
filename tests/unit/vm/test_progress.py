"""The log of a lab has each line once, and goes on in the new file when the lab was made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vm import progress


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    before = list(progress.LOG.handlers)
    yield tmp_path / "log" / "provision.log"
    for handler in set(progress.LOG.handlers) - set(before):
        progress.LOG.removeHandler(handler)
        handler.close()


def test_a_command_within_a_command_logs_once(log: Path) -> None:
    progress.log_to(log)
    progress.log_to(log)
    progress.LOG.info("said")
    assert log.read_text().count("said") == 1


def test_a_lab_that_was_made_anew_has_its_log(log: Path) -> None:
    progress.log_to(log)
    log.unlink()
    progress.log_to(log)
    progress.LOG.info("said")
    assert log.read_text().count("said") == 1

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


def test_a_log_is_of_its_owner_alone_and_bounded(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_BYTES", 2000)
    progress.log_to(log)
    for number in range(100):
        progress.LOG.info("line %d, %s", number, "x" * 50)
    kept = sorted(log.parent.iterdir())
    assert [path.name for path in kept] == ["provision.log", "provision.log.1"] and "line 99," in log.read_text()
    assert all(path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size <= 2000 for path in kept)


def test_a_lab_that_was_made_anew_has_its_log(log: Path) -> None:
    progress.log_to(log)
    log.unlink()
    progress.log_to(log)
    progress.LOG.info("said")
    assert log.read_text().count("said") == 1


def test_the_log_that_is_named_is_one_that_is_there(log: Path) -> None:
    other = log.with_name("other.log")
    progress.log_to(other)
    progress.log_to(log)
    assert progress.logged_to() == log
    log.unlink()
    assert progress.logged_to() == other
    other.unlink()
    assert progress.logged_to() is None

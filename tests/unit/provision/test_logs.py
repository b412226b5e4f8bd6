"""Every command that fails names a log that has the whole story; a trace is never shown."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Done

from provision import checks, down, quality
from vm import doctor, lab, logs
from vm.errors import WatchpostError
from vm.image import build

NAME = "unit-none"


def fails(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def story(done: Done) -> str:
    """What stands in the log that a failure named."""
    assert done.returncode == 1 and "Traceback" not in done.stderr + done.stdout, done.stderr
    log = Path(done.stderr.splitlines()[-1].removeprefix("  whole story: "))
    assert log.stat().st_mode & 0o777 == 0o600
    return log.read_text()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("of ours"), "an unexpected ZeroDivisionError: of ours"),
        (OSError(errno.ENOSPC, "No space left", "/var/cache"), "the disk is full"),
        (WatchpostError("no mirror answers"), "no mirror answers"),
    ],
)
@pytest.mark.parametrize(("words", "module", "name"), [("doctor", doctor, "examine"), ("image", build, "find_or_build"), ("check", quality, "static")])
def test_what_needs_no_lab_has_a_log(
    invoke: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, said: str, words: str, module: object, name: str
) -> None:
    monkeypatch.setattr(module, name, fails(error))
    done = invoke(words)
    assert done.stderr.startswith(f"watchpost: {said}"), done.stderr
    told = story(done)
    assert type(error).__name__ in told and "Traceback" in told
    assert (tmp_path / "log" / "watchpost.log").read_text() == told


def test_a_labs_command_logs_in_the_lab_and_destroy_beside_what_it_removed(invoke: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    one = lab.of_name(NAME)
    one.directory.mkdir(parents=True)
    monkeypatch.setattr(checks, "root", lambda _: None)
    monkeypatch.setattr(down, "destroy", fails(WatchpostError("the network stays")))
    done = invoke("destroy", "--yes", "--lab", NAME)
    assert "the network stays" in story(done) and str(logs.of_lab(one)) in done.stderr

    def half(*_: object) -> None:
        shutil.rmtree(one.directory)
        raise OSError(errno.EBUSY, "Device or resource busy", "/somewhere")

    monkeypatch.setattr(down, "destroy", half)
    done = invoke("destroy", "--yes", "--lab", NAME)
    assert "resource busy" in story(done) and not one.directory.exists()


def test_bad_words_need_no_log(invoke: Callable[..., Done]) -> None:
    done = invoke("status", "--lab", NAME)
    assert done.returncode == 2 and "whole story" not in done.stderr


def test_where_nothing_can_be_written_the_command_works_all_the_same(invoke: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(lab, "STATE", tmp_path / "file")
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "file"))
    monkeypatch.setattr(doctor, "examine", fails(ZeroDivisionError("of ours")))
    done = invoke("doctor")
    assert done.returncode == 1 and done.stderr == "watchpost: an unexpected ZeroDivisionError: of ours.\n"


def test_who_is_not_root_has_a_log_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(lab, "STATE", tmp_path / "file")
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "mine"))
    assert list(logs.places(None))[-1] == tmp_path / "mine" / "watchpost" / "watchpost.log"

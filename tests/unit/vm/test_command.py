"""Programs are started by lists; what they were, said and left is known, what they were fed is not."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import pytest

from vm import command
from vm.command import Result, run
from vm.errors import WatchpostError


def python(code: str) -> list[str]:
    """The command of a small program."""
    return [sys.executable, "-c", code]


def test_once_interrupted_nothing_more_is_started(tmp_path: Path) -> None:
    try:
        command.end_running()
        with pytest.raises(WatchpostError, match="interrupted"):
            command.run(["touch", tmp_path / "made"])
    finally:
        command.ENDING.clear()
    assert not (tmp_path / "made").exists()
    command.run(["touch", tmp_path / "made"])
    assert (tmp_path / "made").exists(), "the control"


def test_output_and_exit_code_are_returned() -> None:
    argv = python("import sys; print('out'); print('err', file=sys.stderr)")
    assert run(argv) == Result(tuple(argv), 0, "out\n", "err\n")


def test_words_are_never_read_by_a_shell(tmp_path: Path) -> None:
    words = ["$HOME", "a b", f"; touch {tmp_path}/evil", "`id`", "*", "'"]
    assert run([*python("import sys; print(sys.argv[1:])"), *words]).stdout == f"{words}\n"
    assert list(tmp_path.iterdir()) == []


def test_input_is_given_and_its_absence_is_an_end() -> None:
    echo = python("import sys; print(repr(sys.stdin.read()))")
    assert run(echo, input="text ä").stdout == "'text ä'\n"
    assert run(echo, input=b"bytes").stdout == "'bytes'\n"
    assert run(echo).stdout == "''\n"


def test_environment_is_added_to_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_OLD", "old")
    show = python("import os; print(os.environ['WATCHPOST_OLD'], os.environ.get('WATCHPOST_NEW'))")
    assert run(show, env={"WATCHPOST_NEW": "new"}).stdout == "old new\n"
    assert run(show).stdout == "old None\n"


def test_the_program_runs_where_it_is_told(tmp_path: Path) -> None:
    assert run(python("import os; print(os.getcwd())"), cwd=tmp_path).stdout == f"{tmp_path.resolve()}\n"


def test_a_failure_is_told_with_the_last_lines_of_stderr() -> None:
    argv = python("import sys; print('out'); sys.stderr.write('one\\ntwo\\nthree\\nfour\\n'); sys.exit(3)")
    with pytest.raises(WatchpostError) as error:
        run(argv)
    assert error.value.what == f"{sys.executable} failed with exit code 3: two / three / four"
    assert run(argv, check=False).returncode == 3


def test_a_failure_that_says_nothing_on_stderr_is_told_with_its_output() -> None:
    with pytest.raises(WatchpostError, match="exit code 1: only this"):
        run(python("print('only this'); raise SystemExit(1)"))


def test_a_missing_program_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WatchpostError, match="no-such-program is not installed") as error:
        run(["no-such-program", "--help"])
    assert "./bootstrap" in error.value.todo


def test_a_program_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(WatchpostError, match="sleep did not end within 0 s"):
        run(["sleep", "60"], timeout_s=0.2)
    assert time.monotonic() - began < 30


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    assert run(python(r"import sys; sys.stdout.buffer.write(b'a\xff')")).stdout == "a�"


def test_the_log_has_the_words_and_the_output_but_never_the_input(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "watchpost.command"):
        run(python("import sys; print(len(sys.stdin.read()))"), input="s3cret", env={"PASSWORD": "hidden"})
    assert "run " in caplog.text and "sys.stdin.read" in caplog.text and "exit 0\n6" in caplog.text
    assert "s3cret" not in caplog.text and "hidden" not in caplog.text

"""A process is ours by id and start time; ours are ended, politely first, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vm import processes
from vm.wait import wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


@contextmanager
def child(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """A process of this test; it is gone afterwards, whatever happens."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_same_process_is_alive_and_a_reused_id_is_not() -> None:
    mine = processes.owned(os.getpid())
    assert processes.alive(mine)
    assert not processes.alive(mine.model_copy(update={"start_ticks": mine.start_ticks + 1}))


def test_a_gone_process_is_not_alive_and_cannot_be_owned() -> None:
    with child("sleep", "60") as process:
        one = processes.owned(process.pid)
        assert processes.alive(one)
        process.kill()
        wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().split()[2] == "Z", reason="a zombie", deadline_s=10)
        assert not processes.alive(one), "a zombie has ended"
    assert not processes.alive(one)
    with pytest.raises(ProcessLookupError):
        processes.owned(process.pid)


def test_a_gone_process_has_no_name() -> None:
    with child("sleep", "60") as process:
        wait_until(lambda: processes.name(process.pid) == "sleep", reason="the name that exec gives", deadline_s=5, interval_s=0.01)
    assert processes.name(process.pid) == ""


def test_a_name_with_a_bracket_hides_no_start_time(tmp_path: Path) -> None:
    odd = tmp_path / "x) R 1 2"
    odd.symlink_to("/bin/sleep")
    with child(str(odd), "60") as process, child("sleep", "60") as plain:
        wait_until(lambda: processes.name(process.pid) == "x) R 1 2", reason="the name that exec gives", deadline_s=5, interval_s=0.01)
        strange, usual = processes.start_ticks(process.pid), processes.start_ticks(plain.pid)
        assert strange is not None and usual is not None
        assert 0 <= usual - strange < 100 * os.sysconf("SC_CLK_TCK"), "clock ticks since boot, one after the other"


def test_a_polite_child_ends_by_the_first_signal() -> None:
    with child("sleep", "60") as process:
        processes.end(processes.owned(process.pid), patience_s=10)
        assert process.wait(5) == -signal.SIGTERM


def test_the_first_signal_is_the_callers() -> None:
    with child("sleep", "60") as process:
        processes.end(processes.owned(process.pid), first=signal.SIGINT, patience_s=10)
        assert process.wait(5) == -signal.SIGINT


def test_a_stubborn_child_is_killed_after_its_time() -> None:
    with child(sys.executable, "-c", STUBBORN) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        began = time.monotonic()
        processes.end(processes.owned(process.pid), patience_s=0.3)
        assert process.wait(5) == -signal.SIGKILL
        assert time.monotonic() - began >= 0.3


def test_a_process_that_has_the_id_by_now_is_left_alone() -> None:
    with child("sleep", "60") as process:
        one = processes.owned(process.pid)
        processes.end(one.model_copy(update={"start_ticks": one.start_ticks - 1}), patience_s=0.1)
        time.sleep(0.1)
        assert process.poll() is None and processes.alive(one)
        processes.end(one)
        assert process.wait(5) == -signal.SIGTERM


def test_children_are_listed_and_a_gone_process_has_none() -> None:
    with child("sleep", "60") as process:
        assert process.pid in processes.children(os.getpid())
        assert processes.children(process.pid) == []
    assert process.pid not in processes.children(os.getpid())
    assert processes.children(process.pid) == []


def test_a_child_that_was_told_to_end_is_waited_for_and_a_stubborn_one_killed() -> None:
    with child("sleep", "60") as process:
        process.terminate()
        processes.reap(process)
        assert process.returncode == -signal.SIGTERM
    with child(sys.executable, "-c", STUBBORN) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        process.terminate()
        processes.reap(process, 0.2)
        assert process.returncode == -signal.SIGKILL

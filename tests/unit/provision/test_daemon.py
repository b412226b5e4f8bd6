"""Processes that outlive a command: found again, ended, and never mistaken for somebody else's."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provision import daemon
from provision.daemon import Daemon
from vm import processes
from vm.artefact import load, save
from vm.errors import WatchpostError
from vm.wait import wait_until

SLEEP = [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def wait_for_line(log: Path) -> None:
    end = time.monotonic() + 30
    while "up" not in log.read_text():
        assert time.monotonic() < end, "the program did not start"
        time.sleep(0.02)


def test_start_find_stop(tmp_path: Path) -> None:
    log, record = tmp_path / "log", tmp_path / "daemon.json"
    started = daemon.start(SLEEP, log, record)
    assert daemon.running(record) == started and daemon.is_running(record)
    assert daemon.start(SLEEP, log, record) == started, "a second start finds the first"
    assert Path(f"/proc/{started.process.pid}/stat").read_text().split()[5] == str(started.process.pid), "a session of its own"
    wait_for_line(log)
    assert daemon.stop(record)
    assert not daemon.is_running(record) and not record.exists()
    assert not daemon.stop(record), "stopping again does nothing"


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    record = tmp_path / "daemon.json"
    started = daemon.start(STUBBORN, tmp_path / "log", record)
    wait_for_line(tmp_path / "log")
    assert daemon.stop(record, grace_s=0.2)
    assert not Path(f"/proc/{started.process.pid}").exists()


@pytest.mark.parametrize("other", [{"start_ticks": 1}, {"boot_id": "another boot"}])
def test_another_process_with_the_same_pid_is_left_alone(tmp_path: Path, other: dict[str, object]) -> None:
    victim = subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL)
    try:
        record = tmp_path / "daemon.json"
        true = Daemon(process=processes.owned(victim.pid), argv=("x",), log=tmp_path / "log")
        save(true.model_copy(update={"process": true.process.model_copy(update=other)}), record)
        assert not daemon.is_running(record)
        assert not daemon.send_signal(record, signal.SIGKILL)
        assert not daemon.stop(record)
        assert victim.poll() is None, "it still runs"
        save(true, record)
        assert daemon.stop(record), "the true record does end it"
    finally:
        victim.kill()
        victim.wait()


def test_a_dead_child_counts_as_ended_and_a_missing_program_is_named(tmp_path: Path) -> None:
    record = tmp_path / "daemon.json"
    daemon.start(["true"], tmp_path / "log", record)
    end = time.monotonic() + 30
    while daemon.is_running(record):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert load(Daemon, record).argv == ("true",)
    assert not daemon.stop(record)
    with pytest.raises(WatchpostError, match="no-such-program"):
        daemon.start(["no-such-program"], tmp_path / "log", record)


def test_whether_a_process_shares_a_namespace(tmp_path: Path) -> None:
    record = tmp_path / "sleeper.json"
    assert not daemon.shares(record, Path("/proc/self/ns/net"))
    daemon.start(["sleep", "60"], tmp_path / "log", record)
    try:
        assert daemon.shares(record, Path("/proc/self/ns/net"))
        assert not daemon.shares(record, tmp_path / "gone" / "net")
        other = subprocess.Popen(["unshare", "--user", "--net", "sleep", "60"])
        try:
            wait_until(lambda: not daemon.shares(record, Path(f"/proc/{other.pid}/ns/net")), reason="its own namespace", deadline_s=10)
        finally:
            other.kill()
            other.wait()
    finally:
        daemon.stop(record)

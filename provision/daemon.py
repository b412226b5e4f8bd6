"""A process that outlives the command that started it: started detached, known by pid and start time.

A pid alone may belong to somebody else by now: nothing here signals a process whose start time differs.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from vm.artefact import Record, load, save
from vm.errors import BadInput, WatchpostError
from vm.wait import SYSTEM, Clock, wait_until


class Daemon(Record):
    """The process behind a file. started_ticks is field 22 of /proc/PID/stat: clock ticks since boot."""

    version: int = 1
    pid: int
    started_ticks: int
    boot_id: str
    argv: tuple[str, ...]
    log: Path


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _state_and_start(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process, None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything, spaces and brackets too
    return fields[0], int(fields[19])


def _load(record: Path) -> Daemon | None:
    try:
        return load(Daemon, record)
    except BadInput:
        return None


def _alive(daemon: Daemon) -> bool:
    found = _state_and_start(daemon.pid)
    same = found is not None and found[1] == daemon.started_ticks and _boot_id() == daemon.boot_id
    return same and found is not None and found[0] not in "ZX"


def running(record: Path) -> Daemon | None:
    """The process that this file tells of, if it still runs."""
    daemon = _load(record)
    return daemon if daemon and _alive(daemon) else None


def is_running(record: Path) -> bool:
    """Whether the process of this file still runs."""
    return running(record) is not None


def start(argv: Sequence[str | Path], log: Path, record: Path, *, cwd: Path | None = None) -> Daemon:
    """Start argv in a session of its own, output appended to log. One that runs already is returned as it is.

    argv has to exec, not fork, into the process meant (as nsenter does without --pid).
    """
    if present := running(record):
        return present
    words = tuple(str(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=cwd
            )
        except OSError as error:
            raise WatchpostError(f"{words[0]} does not start: {error.strerror}", str(log)) from error
    found = _state_and_start(process.pid)
    assert found is not None  # it is our child and nobody has reaped it
    daemon = Daemon(pid=process.pid, started_ticks=found[1], boot_id=_boot_id(), argv=words, log=log)
    try:
        save(daemon, record)
    except BaseException:
        process.kill()  # a process that no file tells of could never be ended
        process.wait()
        raise
    process.returncode = 0  # from here on it is nobody's child to wait for: the file is what knows it
    return daemon


def send_signal(record: Path, number: signal.Signals) -> bool:
    """Signal the process of this file. False when it does not run any more."""
    daemon = _load(record)
    if daemon is None:
        return False
    try:
        handle = os.pidfd_open(daemon.pid)
    except ProcessLookupError:
        return False
    try:
        if not _alive(daemon):  # asked after the handle was taken: the handle cannot change hands any more
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def _reap(pid: int) -> None:
    """Take the exit code of a child of this very process, so that it does not stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def stop(record: Path, *, grace_s: float = 5, clock: Clock = SYSTEM) -> bool:
    """End the process of this file (SIGKILL after grace_s) and remove the file. False: it did not run."""
    daemon = _load(record)
    if daemon is None:
        record.unlink(missing_ok=True)
        return False
    was = send_signal(record, signal.SIGTERM)
    if was:
        try:
            _gone(daemon, grace_s, clock)
        except WatchpostError:
            send_signal(record, signal.SIGKILL)
            _gone(daemon, 5, clock)
    _reap(daemon.pid)
    record.unlink(missing_ok=True)
    return was


def _gone(daemon: Daemon, deadline_s: float, clock: Clock) -> None:
    wait_until(
        lambda: not _alive(daemon),
        reason=f"the end of {daemon.argv[0]} (pid {daemon.pid})",
        deadline_s=deadline_s,
        interval_s=0.02,
        clock=clock,
        todo=f"look at {daemon.log}",
    )

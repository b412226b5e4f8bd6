"""A process that outlives the command that started it: started detached, known by a file.

Whether it is still the same process is vm/processes's business.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from vm import processes
from vm.artefact import Record, load, save
from vm.errors import BadInput, WatchpostError
from vm.wait import SYSTEM, Clock


class Daemon(Record):
    """The process behind a file, and what it was started as."""

    version: int = 2
    process: processes.OwnedProcess
    argv: tuple[str, ...]
    log: Path


def _load(record: Path) -> Daemon | None:
    try:
        return load(Daemon, record)
    except BadInput:
        return None


def running(record: Path) -> Daemon | None:
    """The process that this file tells of, if it still runs."""
    daemon = _load(record)
    return daemon if daemon and processes.alive(daemon.process) else None


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
    try:
        daemon = Daemon(process=processes.of_child(process.pid), argv=words, log=log)
        save(daemon, record)
    except BaseException:
        process.kill()  # a process that no file tells of could never be ended
        process.wait()
        raise
    process.returncode = 0  # from here on it is nobody's child to wait for: the file is what knows it
    return daemon


def shares(record: Path, namespace: Path) -> bool:
    """Whether the process of this file runs in a namespace (a file below /proc/PID/ns)."""
    daemon = running(record)
    if daemon is None:
        return False
    try:
        return os.readlink(f"/proc/{daemon.process.pid}/ns/{namespace.name}") == os.readlink(namespace)
    except OSError:
        return False


def send_signal(record: Path, number: signal.Signals) -> bool:
    """Signal the process of this file. False when it does not run any more."""
    daemon = _load(record)
    return daemon is not None and processes.send_signal(daemon.process, number)


def stop(record: Path, *, grace_s: float = 5, clock: Clock = SYSTEM) -> bool:
    """End the process of this file (SIGKILL after grace_s) and remove the file. False: it did not run."""
    daemon = _load(record)
    was = daemon is not None and processes.end(daemon.process, patience_s=grace_s, clock=clock)
    if daemon is not None:
        _reap(daemon.process.pid)
    record.unlink(missing_ok=True)
    return was


def _reap(pid: int) -> None:
    """Take the exit code of a child of this very process, so that it does not stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass

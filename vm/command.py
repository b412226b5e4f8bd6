"""Run a program: a list in, text out, every word of it in the lab's log. The only place that starts one and waits."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vm.errors import WatchpostError

LOG = logging.getLogger("watchpost.command")
RUNNING: set[subprocess.Popen[bytes]] = set()
"""What `run` waits for now, in whichever thread."""
ENDING = threading.Event()
"""Set once the command was interrupted: nothing new is started then."""


@dataclass(frozen=True)
class Result:
    """What a finished program left behind."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    input: str | bytes | None = None,
    timeout_s: float = 600,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log_output: bool = True,
) -> Result:
    """Run argv to its end and return its output; env is added to the present environment.

    log_output: False for a program that prints what is nobody's business.

    Raises WatchpostError when the program is missing, takes longer than timeout_s, or (with check) fails.
    """
    words = tuple(str(word) for word in argv)
    if ENDING.is_set():
        raise WatchpostError("interrupted", shlex.join(words))
    LOG.debug("run %s", shlex.join(words))
    data = input.encode() if isinstance(input, str) else input
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else {**os.environ, **env},
            cwd=cwd,
        )
    except PermissionError as error:
        raise WatchpostError(f"{words[0]} may not be started: {error.strerror}", str(error.filename)) from error
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise WatchpostError(f"there is no directory to run {words[0]} in", str(cwd)) from error
        raise WatchpostError(
            f"{words[0]} is not installed", "PATH of this machine", "run ./bootstrap, which installs what is missing"
        ) from error
    RUNNING.add(process)
    try:
        out, err = process.communicate(data, timeout_s)
    except subprocess.TimeoutExpired as error:
        LOG.debug("timed out: %r %r", error.stdout, error.stderr)
        raise WatchpostError(f"{words[0]} did not end within {timeout_s:.0f} s", shlex.join(words)) from error
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
        RUNNING.discard(process)
    result = Result(words, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    shown = result.stdout[-20000:] if log_output else "(output not logged)\n"
    LOG.debug("exit %d\n%s%s", result.returncode, shown, result.stderr[-20000:])
    if check and result.returncode != 0:
        tail = " / ".join(line for line in (result.stderr or result.stdout).strip().splitlines()[-3:])
        raise WatchpostError(f"{words[0]} failed with exit code {result.returncode}: {tail}", shlex.join(words))
    return result


def end_running(patience_s: float = 10) -> None:
    """End what `run` waits for, in every thread, and let it start nothing more: first politely, after patience_s for good.

    For a command that is interrupted.
    """
    ENDING.set()
    mine = list(RUNNING)
    for process in mine:
        process.terminate()
    end = time.monotonic() + patience_s
    for process in mine:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()

"""Run a program: a list in, text out, every word of it in the lab's log. The only place that starts one and waits."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vm.errors import WatchpostError

LOG = logging.getLogger("watchpost.command")


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
    LOG.debug("run %s", shlex.join(words))
    data = input.encode() if isinstance(input, str) else input
    try:
        done = subprocess.run(
            words,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            timeout=timeout_s,
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
    except subprocess.TimeoutExpired as error:
        LOG.debug("timed out: %r %r", error.stdout, error.stderr)
        raise WatchpostError(f"{words[0]} did not end within {timeout_s:.0f} s", shlex.join(words)) from error
    result = Result(words, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    shown = result.stdout[-20000:] if log_output else "(output not logged)\n"
    LOG.debug("exit %d\n%s%s", result.returncode, shown, result.stderr[-20000:])
    if check and result.returncode != 0:
        tail = " / ".join(line for line in (result.stderr or result.stdout).strip().splitlines()[-3:])
        raise WatchpostError(f"{words[0]} failed with exit code {result.returncode}: {tail}", shlex.join(words))
    return result

"""Where builds run: no network, mounts of their own, a fixed environment, and an end together with whoever started them.

A network namespace that has no interface but lo makes it impossible for a build to take anything that is not in its
lock. A process-id namespace and the parent-death signal leave nothing running when the build is killed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from vm.command import Result, run
from vm.errors import WatchpostError

PREFIX = (
    "setpriv", "--pdeathsig", "KILL", "--",
    "unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--",
)  # fmt: skip
CHECKOUT = Path(__file__).resolve().parents[2]


def environment(epoch: int, scratch: Path) -> dict[str, str]:
    """Everything a build sees of its surroundings; epoch in seconds since 1970. Pure."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(epoch), "TMPDIR": str(scratch),
    }  # fmt: skip


def argv(words: Sequence[str | Path], env: Mapping[str, str]) -> list[str]:
    """The whole command: the namespaces, the environment, the words. Pure."""
    return [*PREFIX, "env", "--ignore-environment", *(f"{name}={value}" for name, value in sorted(env.items())), *map(str, words)]


def run_offline(words: Sequence[str | Path], env: Mapping[str, str], *, timeout_s: float = 1800) -> Result:
    """Run words in the sandbox. Raises WatchpostError with their last lines when they fail."""
    result = run(argv(words, env), timeout_s=timeout_s, cwd=CHECKOUT, check=False)
    if result.returncode:
        tail = " / ".join((result.stderr or result.stdout).strip().splitlines()[-3:])
        raise WatchpostError(f"{Path(words[0]).name} ended with exit code {result.returncode}: {tail}", shlex.join(map(str, words)))
    return result

"""netem, the kernel's network emulator: delay and reordering. Many kernels lack it."""

from __future__ import annotations

from vm.command import run
from vm.errors import WatchpostError
from vm.finding import Finding, Question


def probe(question: Question) -> Finding:
    """Try a delay on the loopback device of a namespace of its own."""
    argv = ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    try:
        tried = run(argv, timeout_s=20, check=False)
    except WatchpostError as error:
        return Finding(name="netem", level="degraded", detail=error.what, remedy=error.todo or "run ./bootstrap")
    if tried.returncode != 0:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[0]
        return Finding(
            name="netem",
            level="degraded",
            detail=f"no delays: {reason[:200]}",
            remedy="use a kernel with sch_netem; loss and cuts work without it",
        )
    return Finding(name="netem", level="OK", detail="delay and reordering")

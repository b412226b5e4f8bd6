"""One run of the Puppet agent on a machine: started, waited for, its summary read."""

from __future__ import annotations

import re
import time

import yaml

from provision.ssh import Machine
from vm.artefact import Record
from vm.errors import WatchpostError

TIMEOUT_S = 1200.0
"""For a machine's first run, emulated."""
LOCK_LOST = re.compile(r"Execution of 'ps -eq \d+ -o \w+=' returned 1")
"""Puppet 8.10 while it waits for another run's lock, when that run ends between its look at the process and its look at the process's name."""
TRIES = 3
CUT, KILLED = 124, 137
"""Exit codes of timeout(1): the run was asked to end, and was killed."""
KILLED_S = 10.0
"""From the one to the other."""
SUMMARY = "/var/cache/puppet/public/last_run_summary.yaml"


class PuppetRun(Record):
    """What a run did. changed and failed count resources; exit_code is that of --detailed-exitcodes."""

    version: int = 1
    seconds: float
    exit_code: int
    resources: int
    changed: int
    failed: int
    compile_s: float


def read_summary(text: str) -> tuple[int, int, int, float]:
    """Resources in all, changed, failed, and seconds the agent waited for its catalog, of last_run_summary.yaml."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        data = None
    if not isinstance(data, dict):  # a run that was cut short leaves half a file
        return 0, 0, 0, 0.0
    counts, times = data.get("resources") or {}, data.get("time") or {}
    failed = int(counts.get("failed", 0)) + int(counts.get("failed_to_restart", 0))
    return int(counts.get("total", 0)), int(counts.get("changed", 0)), failed, float(times.get("config_retrieval", 0.0))


def run_puppet(machine: Machine, argv: list[str], *, timeout_s: float = TIMEOUT_S, cut_s: float = 0) -> PuppetRun:
    """Run a puppet command with --detailed-exitcodes (0 nothing to do, 2 changed; else it failed).

    A run that failed only as the run ended for which it waited is begun again. cut_s: after so long it is ended on the machine, and that is
    no error but a run with exit_code CUT. Raises WatchpostError with Puppet's own error lines when it failed.
    """
    began = time.monotonic()
    if cut_s:
        argv = ["timeout", f"--kill-after={KILLED_S:g}", f"{cut_s:g}", *argv]
    for _ in range(TRIES):
        result = machine.run(argv, check=False, timeout_s=timeout_s)
        if result.returncode != 1 or not LOCK_LOST.search(result.stdout + result.stderr):
            break
    seconds = round(time.monotonic() - began, 1)
    if cut_s and result.returncode in (CUT, KILLED):
        return PuppetRun(seconds=seconds, exit_code=CUT, resources=0, changed=0, failed=0, compile_s=0)
    if result.returncode not in (0, 2):
        output = (result.stdout + result.stderr).splitlines()
        errors = [line.strip() for line in output if "Error:" in line or "error:" in line]
        raise WatchpostError(
            f"Puppet failed on {machine.name} after {seconds:.0f} s: {' / '.join(errors[:4]) or output[-1:]}",
            f"{argv[0]} {argv[1]} on {machine.name}",
            "the run's whole output is in the lab's log; mend the manifest and run the same command again",
        )
    summary = machine.run(["cat", SUMMARY], check=False)
    total, changed, failed, compile_s = read_summary(summary.stdout) if summary.returncode == 0 else (0, 0, 0, 0.0)
    return PuppetRun(
        seconds=seconds, exit_code=result.returncode, resources=total, changed=changed, failed=failed,
        compile_s=round(compile_s, 2),
    )  # fmt: skip


def must_change_nothing(kind: str, run: PuppetRun) -> None:
    """Hold a machine's second run to that. Raises WatchpostError when it changed something."""
    if run.exit_code != 0:
        raise WatchpostError(f"the second Puppet run of {kind} changed {run.changed} resources; it must change nothing", "the run's output in the lab's log")


def agent_argv(server: str, certname: str, environment: str = "production") -> list[str]:
    """A foreground agent run that waits for nobody and reports what it did by its exit code."""
    return [
        "puppet", "agent", "--onetime", "--no-daemonize", "--verbose", "--no-splay", "--detailed-exitcodes",
        "--no-usecacheonfailure", "--color=false", f"--server={server}", f"--certname={certname}", f"--environment={environment}",
        "--waitforcert=5", "--maxwaitforcert=60",
        # a run that was cut off here goes on there: its end is awaited
        "--waitforlock=2", "--maxwaitforlock=600",
    ]  # fmt: skip

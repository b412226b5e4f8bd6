"""How long provisioning takes, beside its budgets: from nothing, again, and growing; in a lab of its own, by the user's commands."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from vm.artefact import Record
from vm.errors import WatchpostError
from vm.image.build import CACHE_VARIABLE
from vm.progress import note

LAB = "bench"
GROWN = 50
BUDGETS_S = {
    ("libvirt", "from nothing"): 720.0,
    ("container", "from nothing"): 480.0,
    ("libvirt", "again"): 15.0,
    ("container", "again"): 15.0,
    ("libvirt", "grow"): 240.0,
    ("container", "grow"): 240.0,
}
"""Wall-clock seconds on 2 cores, 24 GiB, without usable KVM."""


class Measured(Record):
    """One command: what it was, how long it took, what it may take (seconds), and the accelerator in use."""

    name: str
    command: tuple[str, ...]
    seconds: float
    budget_s: float
    stages: dict[str, float]

    @property
    def verdict(self) -> Literal["within", "over"]:
        """Whether it kept its budget."""
        return "within" if self.seconds <= self.budget_s else "over"


class ProvisionBench(Record):
    """The three measurements of one machine. images: whether images were built too."""

    version: int = 1
    driver: str
    accelerator: str
    images: bool
    cores: int
    load_before: float
    measured: tuple[Measured, ...]


def provision(checkout: Path, driver: str, *, images: bool) -> ProvisionBench:
    """Run the three commands in a lab named bench, which is destroyed before and after.

    images: with a fresh cache of images, so that building them counts. Raises WatchpostError when a command fails.
    """

    with tempfile.TemporaryDirectory(prefix="watchpost-bench-", dir="/var/cache") as cache:
        Path(cache).chmod(0o711)  # QEMU's user has to find the disk's backing file in it
        env = {**os.environ, **({CACHE_VARIABLE: cache} if images else {})}
        run = runner(checkout, env)
        load = os.getloadavg()[0]
        run("destroy", "--yes")
        try:
            size = ("--driver", driver, "--hosts", "20", "--json")
            measured = (
                timed("from nothing", driver, run, "provision", *size),
                timed("again", driver, run, "provision", *size),
                timed("grow", driver, run, "simulate", "--hosts", str(GROWN), "--json"),
            )
            found = run("status", "--json")
        finally:
            run("destroy", "--yes")
    return ProvisionBench(
        driver=driver, accelerator=found["accelerator"], images=images, cores=os.cpu_count() or 1,
        load_before=round(load, 2), measured=measured,
    )  # fmt: skip


def runner(checkout: Path, env: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """A function that runs an Invoke task on the bench's lab and returns the JSON it printed."""

    def run(*words: str) -> dict[str, Any]:
        argv = [str(checkout / "bootstrap"), *words, "--lab", LAB]
        note(f"$ ./bootstrap {' '.join(argv[1:])}")
        done = subprocess.run(argv, cwd=checkout, env=env, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise WatchpostError(f"`{' '.join(words)}` failed with exit code {done.returncode}", "the lines above")
        return dict(json.loads(done.stdout)) if "--json" in words else {}

    return run


def timed(name: str, driver: str, run: Callable[..., dict[str, Any]], *words: str) -> Measured:
    """Run a command and note its seconds and those of its stages."""
    began = time.monotonic()
    status = run(*words)
    seconds = round(time.monotonic() - began, 1)
    stages = {stage["name"]: stage["seconds"] for stage in status["stages"]}
    return Measured(name=name, command=words, seconds=seconds, budget_s=BUDGETS_S[driver, name], stages=stages)


def table(bench: ProvisionBench) -> Table:
    """The measurements for a terminal."""
    shown = Table("what", "seconds", "budget", "verdict", "longest stages", box=None, pad_edge=False)
    for one in bench.measured:
        longest = sorted(one.stages.items(), key=lambda item: -item[1])[:3]
        stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in longest)
        shown.add_row(one.name, f"{one.seconds:.1f}", f"{one.budget_s:.0f}", one.verdict, stages)
    built = "images built" if bench.images else "images cached"
    shown.caption = f"{bench.driver} ({bench.accelerator}), {bench.cores} cores, {built}, load {bench.load_before} before"
    return shown

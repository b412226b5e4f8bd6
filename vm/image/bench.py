"""What an image costs to build, measured side by side in one run: plain mmdebstrap, cold, one changed file, unchanged.

Ratios are what to trust: everything is measured on the same host within minutes, and the host's load is in the record.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from vm import artefact
from vm.command import run
from vm.image import build, verify
from vm.image.packages import packages
from vm.image.supply import STORE, SUITE, Store, store

COLD_RATIO = 1.5
FILE_RATIO = 0.1
UNCHANGED_S = 2.0
"""The targets: a cold build against plain mmdebstrap, a changed file against the cold build, seconds of an unchanged one."""
REPEATS = 3


class Line(artefact.Record):
    """One measured way to build. seconds: every repetition, wall clock. ratio: of the medians, to what `against` names."""

    what: str
    seconds: tuple[float, ...]
    median_s: float
    against: str = ""
    ratio: float | None = None
    target: str = ""
    verdict: Literal["", "met", "missed"] = ""


class Bench(artefact.Record):
    """All lines of one run; load: the host's load averages (1 min) before and after."""

    version: int = 1
    kind: str
    cores: int
    load: tuple[float, float]
    lines: tuple[Line, ...]


def judged(plain: Sequence[float], cold: Sequence[float], changed: Sequence[float], unchanged: Sequence[float]) -> tuple[Line, ...]:
    """Hold the measurements (seconds) against the targets. Pure."""
    base, first, one, none = (statistics.median(found) for found in (plain, cold, changed, unchanged))

    def verdict(good: bool) -> Literal["met", "missed"]:
        return "met" if good else "missed"

    return (
        Line(what="plain mmdebstrap", seconds=tuple(plain), median_s=base),
        Line(
            what="cold build", seconds=tuple(cold), median_s=first, against="plain mmdebstrap", ratio=first / base,
            target=f"<= {COLD_RATIO:g} x", verdict=verdict(first <= COLD_RATIO * base),
        ),
        Line(
            what="one changed file", seconds=tuple(changed), median_s=one, against="cold build", ratio=one / first,
            target=f"<= {FILE_RATIO:g} x", verdict=verdict(one <= FILE_RATIO * first),
        ),
        Line(what="unchanged", seconds=tuple(unchanged), median_s=none, target=f"<= {UNCHANGED_S:g} s", verdict=verdict(none <= UNCHANGED_S)),
    )  # fmt: skip


def timed(body: Callable[[], object]) -> float:
    """Seconds of wall clock that something takes."""
    start = time.monotonic()
    body()
    return round(time.monotonic() - start, 2)


def plain_argv(names: Sequence[str], here: Path, target: Path) -> list[str]:
    """mmdebstrap as anybody would call it for the same packages. Pure."""
    return [
        "mmdebstrap", "--variant=minbase", "--components=main", f"--include={','.join(names)}",
        f"--essential-hook={here / 'hooks/essential'}", SUITE, str(target),
    ]  # fmt: skip


def measure(kind: str, data: Path, *, places: Store = STORE) -> Bench:
    """Measure the builds of a kind in a store of its own, so that nothing is cached at first and nothing of the user's is touched.

    Both the plain and the cold build fetch all packages from the mirror. Raises WatchpostError when a build fails.
    """
    names = packages(data, kind)
    places.images.mkdir(parents=True, exist_ok=True)
    load_before = os.getloadavg()[0]
    with verify.scratch_directory(places, ".bench") as scratch:
        own = store(scratch / "store")
        own.images.mkdir(parents=True)
        here = scratch / "image"
        shutil.copytree(build.HERE, here, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.rmtree(here / "locks", ignore_errors=True)  # the cold build takes what the mirror has, as the plain one does
        job = verify.Job(
            kind=kind, data=data.resolve(), places=own, here=here, lock=None, result=scratch / "result.json",
            surroundings=verify.Surroundings(directory=str(scratch), umask="022", tz="UTC", lc_all="C.UTF-8", clock_days=0),
        )  # fmt: skip

        def again() -> None:
            verify.build_in(job, scratch)

        def change(number: int) -> None:
            with (here / "files/etc/ssh/sshd_config.d/watchpost.conf").open("a") as stream:
                stream.write(f"# {number}\n")
            again()

        env = {"SOURCE_DATE_EPOCH": "1700000000", "TMPDIR": str(scratch)}
        plain = [timed(lambda: run(plain_argv(names, here, scratch / "plain"), env=env, timeout_s=3600))]
        run(["rm", "-rf", "--one-file-system", scratch / "plain"])
        cold = [timed(again)]
        changed = [timed(lambda number=number: change(number)) for number in range(REPEATS)]  # type: ignore[misc]
        unchanged = [timed(again) for _ in range(REPEATS)]
    return Bench(
        kind=kind, cores=os.cpu_count() or 1, load=(load_before, os.getloadavg()[0]), lines=judged(plain, cold, changed, unchanged)
    )  # fmt: skip


def show(found: Bench, console: Console) -> None:
    """Print measured, target and verdict, one way a line."""
    table = Table("build", "measured", "spread", "ratio", "target", "verdict", box=None, pad_edge=False)
    for line in found.lines:
        spread = f"{min(line.seconds):.1f}-{max(line.seconds):.1f} s ({len(line.seconds)})" if len(line.seconds) > 1 else "once"
        ratio = f"{line.ratio:.2f} x {line.against}" if line.ratio is not None else ""
        table.add_row(line.what, f"{line.median_s:.1f} s", spread, ratio, line.target, line.verdict)
    console.print(table)
    console.print(f"image {found.kind}, {found.cores} cores, load {found.load[0]:.1f} before and {found.load[1]:.1f} after")

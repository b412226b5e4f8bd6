"""What an image costs to build, measured side by side in one run: plain mmdebstrap, cold, one changed file, unchanged.

Ratios are what to trust: everything is measured on the same host within minutes, and the host's load is in the record.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from vm import artefact
from vm.command import run
from vm.image import build, verify
from vm.image.packages import STABLE, packages
from vm.image.supply import STORE, Store, store

COLD_RATIO = 1.5
FILE_RATIO = 0.1
UNCHANGED_S = 2.0
"""The targets: a cold build against plain mmdebstrap, a changed file against the cold build, seconds of an unchanged one."""
REPEATS = 3


class Line(artefact.Record):
    """One measured way to build. seconds: every repetition, wall clock; cpu_s: the median of what its processes computed.

    ratio: of the median wall clocks, to what `against` names; cpu_ratio: the same of cpu_s, which others on the host move less.
    """

    what: str
    seconds: tuple[float, ...]
    median_s: float
    against: str = ""
    ratio: float | None = None
    cpu_s: float = 0.0
    cpu_ratio: float | None = None
    target: str = ""
    verdict: Literal["", "met", "missed"] = ""


class Bench(artefact.Record):
    """All lines of one run; load: the host's load averages (1 min) before and after."""

    version: int = 1
    kind: str
    cores: int
    load: tuple[float, float]
    lines: tuple[Line, ...]


class Spent(NamedTuple):
    """Seconds of wall clock, and of processors, that something took."""

    wall_s: float
    cpu_s: float


def judged(plain: Sequence[Spent], cold: Sequence[Spent], changed: Sequence[Spent], unchanged: Sequence[Spent]) -> tuple[Line, ...]:
    """Hold the measurements against the targets; what counts is wall clock. Pure."""
    return (
        line("plain mmdebstrap", plain),
        line("cold build", cold, "plain mmdebstrap", plain, COLD_RATIO),
        line("one changed file", changed, "cold build", cold, FILE_RATIO),
        line("unchanged", unchanged),
    )


def line(what: str, spent: Sequence[Spent], against: str = "", other: Sequence[Spent] = (), most: float = 0.0) -> Line:
    """One line; without another to hold it against, `unchanged` has a target in seconds and plain mmdebstrap has none. Pure."""
    wall_s, cpu_s = (statistics.median(one[i] for one in spent) for i in (0, 1))
    found = Line(what=what, seconds=tuple(one.wall_s for one in spent), median_s=wall_s, cpu_s=cpu_s)
    if other:
        ratio = wall_s / statistics.median(one.wall_s for one in other)
        cpu_ratio = cpu_s / max(0.01, statistics.median(one.cpu_s for one in other))
        return found.model_copy(update={
            "against": against, "ratio": ratio, "cpu_ratio": cpu_ratio, "target": f"<= {most:g} x", "verdict": "met" if ratio <= most else "missed",
        })  # fmt: skip
    if what == "unchanged":
        return found.model_copy(update={"target": f"<= {UNCHANGED_S:g} s", "verdict": "met" if wall_s <= UNCHANGED_S else "missed"})
    return found


def timed(body: Callable[[], object]) -> Spent:
    """What something takes, all its processes counted once they were waited for."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    body()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(round(time.monotonic() - start, 2), round(cpu_s, 2))


def plain_argv(names: Sequence[str], here: Path, target: Path) -> list[str]:
    """mmdebstrap as anybody would call it for the same packages. Pure."""
    return [
        "mmdebstrap", "--variant=minbase", "--components=main", f"--include={','.join(names)}",
        f"--essential-hook={here / 'hooks/essential'}", STABLE, str(target),
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
    table = Table("build", "measured", "spread", "ratio", "target", "verdict", "CPU", "CPU ratio", box=None, pad_edge=False)
    for one in found.lines:
        spread = f"{min(one.seconds):.1f}-{max(one.seconds):.1f} s ({len(one.seconds)})" if len(one.seconds) > 1 else "once"
        ratios = [f"{ratio:.2f} x" if ratio is not None else "" for ratio in (one.ratio, one.cpu_ratio)]
        table.add_row(one.what, f"{one.median_s:.1f} s", spread, ratios[0], one.target, one.verdict, f"{one.cpu_s:.1f} s", ratios[1])
    console.print(table)
    console.print("ratios: the cold build to plain mmdebstrap, one changed file to the cold build", soft_wrap=True)
    console.print(f"image {found.kind}, {found.cores} cores, load {found.load[0]:.1f} before and {found.load[1]:.1f} after", soft_wrap=True)
    if max(found.load) > found.cores + 1:
        console.print("others used this host meanwhile: times of different lines may not be comparable, measure again when it is quiet", soft_wrap=True)

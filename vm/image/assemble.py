"""The last stage of an image, run inside the sandbox: our files over the packages, then tree and disk.

Run as `python -m vm.image.assemble PLAN` by build.py. Everything here is repeated when a configuration file changes;
the packages are not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vm.artefact import Record, load
from vm.command import run
from vm.errors import WatchpostError
from vm.image import disk, keystore, layer, sandbox

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime")
CLOCK = Path("/srv")
"""Where libfaketime is mounted inside the sandbox and the image alike: LD_PRELOAD is one path for both sides of a chroot."""


class Plan(Record):
    """What to assemble. clock_days: how many days later the tools shall believe it is (0: the true time)."""

    base: Path
    work: Path
    here: Path
    sources: str
    epoch: int
    boots: bool
    clock_days: int = 0


def clock(days: int) -> dict[str, str]:
    """The environment in which programs see another day; times of files stay true. Pure."""
    if not days:
        return {}
    return {
        "LD_PRELOAD": str(CLOCK / "libfaketime.so.1"), "FAKETIME": f"{days:+d}d", "NO_FAKE_STAT": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip


def tar_argv(tree: Path, target: Path, epoch: int) -> list[str]:
    """Pack a tree the same way every time: sorted, no times after epoch, no names of users. Pure."""
    return [
        "tar", f"--directory={tree}", "--sort=name", f"--mtime=@{epoch}", "--clamp-mtime", "--numeric-owner",
        "--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
        "--xattrs", "--xattrs-include=*", f"--file={target}", "--create", ".",
    ]  # fmt: skip


def assemble(plan: Plan) -> None:
    """Make work/tree and, where the image boots, work/disk.raw."""
    env = {**sandbox.environment(plan.epoch, Path("/tmp")), **clock(plan.clock_days)}
    tree = plan.work / "tree"
    with layer.overlay(plan.base, plan.work) as (upper, view):
        mounts = [view / "proc"]
        run(["mount", "-t", "proc", "proc", view / "proc"])
        if plan.clock_days:
            for target in (CLOCK, view / CLOCK.relative_to("/")):
                run(["mount", "--bind", FAKETIME, target])
            mounts.append(view / CLOCK.relative_to("/"))
        (view / "etc/apt/sources.list").write_text(plan.sources)
        run([plan.here / "hooks/customize", view], env=env)
        java = view / "etc/ssl/certs/java/cacerts"
        if java.exists():
            java.write_bytes(keystore.steady(java.read_bytes(), plan.epoch))
        for mount in mounts:
            run(["umount", mount])
        run(["cp", "--archive", "--link", plan.base, tree])
        layer.apply(upper, view, tree)
    if plan.boots:
        disk.write(tree, plan.work / "disk.raw", env)


if __name__ == "__main__":
    os.umask(0o022)
    try:
        assemble(load(Plan, Path(sys.argv[1])))
    except WatchpostError as error:
        sys.exit(error.what)
    except ValueError as error:
        sys.exit(f"/etc/ssl/certs/java/cacerts is not as expected: {error}")

"""What image builds run in, and that a clock-dependent file is found: small trees instead of whole images. Needs root and no lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vm import artefact
from vm.command import run
from vm.errors import WatchpostError
from vm.image import assemble, sandbox, tree_diff
from vm.wait import wait_until

pytestmark = pytest.mark.project

EPOCH = 1_700_000_000
ENVIRONMENT = sandbox.environment(EPOCH, Path("/tmp"))


def interfaces(text: str) -> set[str]:
    """Names of network interfaces in the output of `ip -oneline link`."""
    return {line.split(": ")[1].partition("@")[0] for line in text.splitlines()}


def test_a_build_has_no_network_interface_but_lo() -> None:
    assert interfaces(sandbox.run_offline(["ip", "-oneline", "link"], ENVIRONMENT).stdout) == {"lo"}
    outside = interfaces(run(["ip", "-oneline", "link"]).stdout)
    assert len(outside) > 1, "the control: this host has more than lo, so the same question can be answered otherwise"


def test_a_build_ends_with_the_process_that_started_it() -> None:
    words = sandbox.argv(["sleep", "987"], ENVIRONMENT)
    parent = subprocess.Popen([sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *words])

    def sleepers() -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if path.read_bytes() == b"sleep\x00987\x00":
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    wait_until(sleepers, reason="the build to run", deadline_s=30)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not sleepers(), reason="the build to end", deadline_s=30)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Sources of an image whose hook writes the day into one file, changes one, removes one and replaces a directory."""
    found = tmp_path / "image"
    (found / "hooks").mkdir(parents=True)
    hook = found / "hooks/customize"
    hook.write_text(
        '#!/bin/sh\nset -eu\ndate +%Y-%m-%d > "$1/etc/build-stamp"\necho changed >> "$1/etc/shared"\nrm "$1/etc/gone"\n'
        'rm -r "$1/etc/replaced"\nmkdir "$1/etc/replaced"\necho new > "$1/etc/replaced/new"\nln -s shared "$1/etc/link"\n'
    )
    hook.chmod(0o755)
    return found


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A package stage of a few files."""
    found = tmp_path / "base"
    for name in ("etc/apt", "etc/replaced", "proc", "srv"):
        (found / name).mkdir(parents=True)
    for name in ("etc/shared", "etc/same", "etc/gone", "etc/replaced/old"):
        (found / name).write_text(f"{name} as packaged\n")
    (found / "etc/same").chmod(0o4755)
    return found


def assembled(at: Path, base: Path, here: Path, days: int = 0) -> Path:
    """The tree that comes out."""
    at.mkdir()
    plan = assemble.Plan(base=base, work=at, here=here, sources="deb x y z\n", epoch=EPOCH, boots=False, clock_days=days)
    artefact.save(plan, at / "plan.json")
    sandbox.run_offline([sys.executable, "-m", "vm.image.assemble", at / "plan.json"], ENVIRONMENT)
    return at / "tree"


def test_a_file_that_depends_on_the_clock_is_found_and_named(tmp_path: Path, here: Path, base: Path) -> None:
    now, later = assembled(tmp_path / "now", base, here), assembled(tmp_path / "later", base, here, days=400)
    assert tree_diff.compare(now, later, EPOCH) == ("/etc/build-stamp: content",)
    hook = here / "hooks/customize"
    hook.write_text(hook.read_text().replace("date +%Y-%m-%d", "echo no day"))
    now, later = assembled(tmp_path / "now2", base, here), assembled(tmp_path / "later2", base, here, days=400)
    assert tree_diff.compare(now, later, EPOCH) == (), "the control: without that line nothing differs"


def test_our_files_come_over_the_packages_and_leave_them_as_they_were(tmp_path: Path, here: Path, base: Path) -> None:
    before = tree_diff.listing(base, EPOCH)
    tree = assembled(tmp_path / "out", base, here)
    assert tree_diff.listing(base, EPOCH) == before
    assert (tree / "etc/shared").read_text() == "etc/shared as packaged\nchanged\n"
    assert not (tree / "etc/gone").exists() and os.listdir(tree / "etc/replaced") == ["new"]
    assert os.readlink(tree / "etc/link") == "shared" and (tree / "etc/apt/sources.list").read_text() == "deb x y z\n"
    assert (tree / "etc/same").stat().st_ino == (base / "etc/same").stat().st_ino, "what is unchanged is shared"
    assert (tree / "etc/same").stat().st_mode & 0o7777 == 0o4755
    assert sorted(path.name for path in tree.parent.iterdir()) == ["plan.json", "tree"]


def test_a_hook_that_fails_fails_the_build(tmp_path: Path, here: Path, base: Path) -> None:
    (here / "hooks/customize").write_text("#!/bin/sh\necho the hook is ill >&2\nexit 3\n")
    with pytest.raises(WatchpostError, match="the hook is ill"):
        assembled(tmp_path / "out", base, here)

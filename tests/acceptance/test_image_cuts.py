"""A build of an image that is killed where it stands leaves nothing that runs or is mounted; the same command again makes the image it would have made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import CHECKOUT, INVOKE
from tests.acceptance.test_image_boot import DATA
from vm.image import build, debs, lock, prune, tree_diff
from vm.image.supply import CACHE_VARIABLE, STORE
from vm.wait import wait_until

pytestmark = pytest.mark.project


def start(cache: Path, wanted: Path) -> subprocess.Popen[str]:
    """The user's command, with a cache of its own."""
    argv = [INVOKE, "image", "--kind", "fleet", "--locked", str(wanted)]
    return subprocess.Popen(argv, cwd=CHECKOUT, env={**os.environ, CACHE_VARIABLE: str(cache)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def at_work(cache: Path) -> list[str]:
    """Processes that name the cache, and whether something is mounted from or in it, in whichever namespace."""
    found = ["a mount"] if any(str(cache).encode() in text for text in prune.witnesses()) else []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if str(cache).encode() in line:
            found.append("process " + line.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def half_made(cache: Path) -> list[Path]:
    """What a build keeps in the cache while it is at it."""
    return [*cache.glob(".*"), *(cache / "packages").glob(".*")]


def killed(cache: Path, wanted: Path, point: Callable[[], object]) -> list[str]:
    """Kill the command once it is at a point; what was at work when it was."""
    process = start(cache, wanted)

    def there() -> object:
        assert process.poll() is None, process.communicate()[0]
        return point()

    wait_until(there, reason="the build to reach the point of the cut", deadline_s=300, interval_s=0.01)
    seen = at_work(cache)
    process.kill()
    process.communicate(timeout=60)
    wait_until(lambda: not at_work(cache), reason="what the build had started to end with it", deadline_s=30, interval_s=0.1)
    return seen


def test_a_build_killed_in_either_stage_leaves_nothing_and_the_next_one_makes_the_image(tmp_path: Path) -> None:
    whole, _ = build.find_or_build("fleet", DATA)
    known = lock.read(whole.lock)
    cache = tmp_path / "images"
    (cache / "debs").mkdir(parents=True)
    debs.link(known.packages, STORE.debs, cache / "debs")

    seen = killed(cache, whole.lock, lambda: any(cache.glob("packages/.fleet-*/tree/var/lib/dpkg/info/*.postinst")))
    assert any("mmdebstrap" in one for one in seen), "the control: the search finds a build that is at it"
    assert half_made(cache) and not list(cache.glob("packages/fleet-*")) and not list(cache.glob("fleet-*"))

    seen = killed(cache, whole.lock, lambda: any(cache.glob(".fleet-*/upper/etc")))
    assert any("vm.image.assemble" in one for one in seen) and "a mount" in seen
    assert len(list(cache.glob("packages/fleet-*/image.json"))) == 1, "the packages are whole and are kept"
    assert half_made(cache) and not list(cache.glob("fleet-*"))

    last = start(cache, whole.lock)
    said, _ = last.communicate(timeout=600)
    assert last.returncode == 0 and "packages cached" in said, said
    assert half_made(cache) == [] and at_work(cache) == []
    (made,) = cache.glob("fleet-*/tree")
    assert tree_diff.compare(whole.tree, made, known.source_date_epoch) == ()

"""What goes wrong outside ends with what happened, where, and what to do: exit code 1 or 2, no trace, and the way back is the same command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import CHECKOUT, INVOKE, TAG, invoke
from vm import lab as labs
from vm.command import run
from vm.drivers import hypervisor
from vm.image.build import CACHE_VARIABLE

pytestmark = pytest.mark.project

VICTIM = labs.of_name(f"fault-{TAG}")


def ask(*words: str, prefix: tuple[str, ...] = (), cwd: Path = CHECKOUT, **env: str) -> subprocess.CompletedProcess[str]:
    """A user's command, its words kept."""
    argv = [*prefix, INVOKE, *words]
    return subprocess.run(argv, cwd=cwd, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)


def in_words(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    """It ended with this code and a sentence that has these parts, and told nobody of Python."""
    assert done.returncode == code, done.stderr
    sentence = done.stderr[done.stderr.index("watchpost: ") :]
    for part in parts:
        assert part in sentence, sentence
    assert "Traceback" not in done.stderr


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[None]:
    """A file system of this size at a directory."""
    path.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path])
    try:
        yield
    finally:
        run(["umount", path])


@pytest.fixture
def victim(lab: Any) -> Iterator[labs.Lab]:
    """The name of a lab that does not exist; gone afterwards."""
    assert not VICTIM.directory.exists()
    yield VICTIM
    invoke("destroy", "--yes", "--lab", VICTIM.name)
    assert not VICTIM.directory.exists()


def test_no_mirror(tmp_path: Path) -> None:
    cache = tmp_path / "images"
    done = ask("image", "--kind", "fleet", prefix=("unshare", "--net", "--"), **{CACHE_VARIABLE: str(cache)})
    in_words(done, 1, "the image fleet could not be built", "the package mirror did not serve", "to do:", "apt-get update")
    assert not list(cache.glob("fleet-*/image.json")), "nothing half is taken for an image"


def test_a_full_disk_while_an_image_is_built(tmp_path: Path) -> None:
    with small_disk(tmp_path / "images", "40m"):
        done = ask("image", "--kind", "fleet", **{CACHE_VARIABLE: str(tmp_path / "images")})
        in_words(done, 1, "the image fleet could not be built", "MiB free", "enough disk")


def test_a_full_disk_under_the_lab(victim: labs.Lab) -> None:
    labs.prepare(victim)
    with small_disk(victim.directory, "64k"):
        done = ask("provision", "--driver", "container", "--hosts", "1", "--lab", victim.name)
        in_words(done, 1, "the disk is full", "to do: make room")


def test_a_network_with_our_name_that_is_not_ours(victim: labs.Lab) -> None:
    name = hypervisor.network_name(victim)
    foreign = f"<network><name>{name}</name><bridge name='wp-foreign'/></network>"
    with hypervisor.connection() as connected:
        network = connected.networkDefineXML(foreign)
        try:
            done = ask("provision", "--driver", "container", "--hosts", "1", "--lab", victim.name)
            in_words(done, 1, "has the lab's name but not its mark", victim.name, "virsh")
            gone = ask("destroy", "--yes", "--lab", victim.name)
            in_words(gone, 1, "has the lab's name but not its mark")
            assert connected.networkLookupByName(name).XMLDesc(), "it was left alone"
        finally:
            network.undefine()


def test_a_subnet_that_is_taken(victim: labs.Lab) -> None:
    run(["ip", "link", "add", "wp-taken", "type", "bridge"])
    try:
        run(["ip", "link", "set", "wp-taken", "up"])
        run(["ip", "route", "add", f"{victim.network[512]}/32", "dev", "wp-taken"])
        done = ask("provision", "--driver", "container", "--hosts", "1", "--lab", victim.name)
        in_words(done, 1, f"{victim.network} overlaps a route of this host", "--lab NAME")
    finally:
        run(["ip", "link", "delete", "wp-taken"])


def test_who_is_not_root_is_told(lab: Any) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    done = subprocess.run([*nobody, str(CHECKOUT / "bootstrap"), "provision"], capture_output=True, text=True, cwd="/")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "root is needed" in done.stderr and "sudo ./bootstrap provision" in done.stderr


def test_a_manifest_that_does_not_compile(lab: Any, tmp_path: Path) -> None:
    """The same lab from a copy of the checkout whose code is broken: Puppet's own words, and the good code mends it."""
    copy = tmp_path / "checkout"
    shutil.copytree(CHECKOUT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__"))
    broken = copy / "puppet_fixtures/site/profile/manifests/website.pp"
    text = broken.read_text()
    line = next(number for number, one in enumerate(text.splitlines(), 1) if re.match(r"class ", one))
    broken.write_text(text.replace("class profile::website", "class profile::website inherits nobody", 1))
    done = ask("provision", "--driver", "container", "--lab", lab.lab.name, cwd=copy)
    in_words(done, 1, "website", "website.pp", f"line: {line}", "provision.log")
    mended = lab.invoke("provision", "--driver", "container", "--json")
    assert mended.returncode == 0
    assert lab.status()["hosts"]["up"] == len(lab.hosts)

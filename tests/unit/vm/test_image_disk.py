"""How an image boots, what is in it, and when it counts as the same."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from vm.errors import BadInput
from vm.image import build, disk, packages

BOOT = bytes(range(256)) * 2
CORE = b"\xaa" * 512 + b"\xbb" * 1500


def test_the_first_sector_is_told_where_the_core_begins() -> None:
    boot, _ = disk.patched_boot_code(BOOT, CORE, 2048)
    assert len(boot) == 440, "the partition table's part of the sector is not touched"
    assert struct.unpack_from("<Q", boot, 0x5C) == (2048,)
    assert boot[:0x5C] == BOOT[:0x5C] and boot[0x64:] == BOOT[0x64:440]


def test_the_core_lists_the_rest_of_itself() -> None:
    _, core = disk.patched_boot_code(BOOT, CORE, 2048)
    assert struct.unpack_from("<QHH", core, 500) == (2049, 3, 0x820)
    assert len(core) == len(CORE)
    assert core[:500] == CORE[:500] and core[512:] == CORE[512:]


@pytest.mark.parametrize(("length", "rest"), [(513, 1), (1024, 1), (1025, 2), (64 * 1024, 127)])
def test_the_block_list_counts_begun_sectors(length: int, rest: int) -> None:
    _, core = disk.patched_boot_code(BOOT, bytes(length), 34)
    assert struct.unpack_from("<QH", core, 500) == (35, rest)
    assert rest * disk.SECTOR >= length - disk.SECTOR > (rest - 1) * disk.SECTOR


def test_parts_of_the_disk_do_not_overlap() -> None:
    assert disk.BIOS_MIB[0] + disk.BIOS_MIB[1] <= disk.ESP_MIB[0]
    assert disk.ESP_MIB[0] + disk.ESP_MIB[1] <= disk.ROOT_START_MIB < disk.SIZE_MIB
    assert disk.ROOT_UUID in disk.EARLY_CONFIG
    starts = [line.split(",")[0] for line in disk.LAYOUT.splitlines() if line.startswith("start=")]
    assert starts == ["start=1MiB", "start=2MiB", "start=66MiB"]


def test_grub_looks_for_the_root_by_the_id_that_the_disk_gets() -> None:
    assert disk.ROOT_UUID in (build.HERE / "files/boot/grub/grub.cfg").read_text()


def written(data: Path, text: str) -> Path:
    """A folder of Hiera data with one list, named base."""
    (data / "packages").mkdir(parents=True)
    (data / "packages/base.yaml").write_text(text)
    return data


def test_a_list_is_read_sorted_and_without_doubles(tmp_path: Path) -> None:
    data = written(tmp_path, "packages::base: [sudo, g++, libc6.1-dev, sudo]")
    assert packages.read_list(data, "base") == ("g++", "libc6.1-dev", "sudo")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no usable key packages::base"),
        ("packages::monitor: [sudo]", "no usable key packages::base"),
        ("[sudo]", "no usable key packages::base"),
        ("packages::base: [", "no usable key packages::base"),
        ("packages::base:", "is no list"),
        ("packages::base: sudo", "is no list"),
        ("packages::base: []", "is no list"),
        ("packages::base: [sudo, 7]", "7 is no name of a Debian package"),
        ("packages::base: [Sudo]", "'Sudo' is no name"),
        ("packages::base: ['sudo,evil']", "'sudo,evil' is no name"),
        ("packages::base: ['--option']", "'--option' is no name"),
        ('packages::base: ["sudo\\n"]', "is no name"),
    ],
)
def test_a_broken_list_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput) as error:
        packages.read_list(written(tmp_path, text), "base")
    assert words in error.value.what and error.value.where.endswith("packages/base.yaml")


def test_a_missing_list_and_an_unknown_image_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path, "packages::base: [sudo]")
    with pytest.raises(BadInput, match="no package list monitor"):
        packages.read_list(data, "monitor")
    with pytest.raises(BadInput, match="no image 'base'") as error:
        packages.packages(data, "base")
    assert "fleet, monitor, puppet" in error.value.todo


@pytest.mark.parametrize("kind", sorted(packages.KINDS))
def test_every_image_has_the_packages_of_its_lists(kind: str) -> None:
    data = Path(__file__).resolve().parents[3] / "puppet_fixtures/data"
    every = packages.packages(data, kind)
    assert list(every) == sorted(set(every))
    assert set(every) == {name for part in packages.KINDS[kind] for name in packages.read_list(data, part)}
    assert {"puppet-agent", "systemd-sysv"} <= set(every)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A copy of the sources of images."""
    copy = tmp_path / "image"
    shutil.copytree(build.HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def digest(here: Path, kind: str = "monitor", names: tuple[str, ...] = ("a",)) -> str:
    return build.recipe_digest(kind, names, here=here)


def test_the_same_recipe_has_the_same_digest(recipe: Path) -> None:
    before = build.recipe_digest("monitor", ["a", "b"], here=recipe)
    (recipe / "__pycache__").mkdir()
    (recipe / "__pycache__/disk.pyc").write_bytes(b"compiled")
    (recipe / "disk.py").touch()
    (recipe / "locks").mkdir(exist_ok=True)
    (recipe / "locks/puppet.json").write_text("another kind's lock")
    assert build.recipe_digest("monitor", ("a", "b"), here=recipe) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda here: (here / "hooks/customize").write_text("#!/bin/sh\n"),
        lambda here: (here / "hooks/customize").chmod(0o644),
        lambda here: (here / "files/boot/grub/grub.cfg").unlink(),
        lambda here: (here / "files/etc/new.conf").write_text(""),
        lambda here: (here / "disk.py").write_text("SIZE_MIB = 1"),
        lambda here: (here / "hooks/customize").rename(here / "hooks/other"),
        lambda here: (here / "locks/monitor.json").write_text("another lock"),
    ],
    ids=["content", "mode", "gone", "new", "code", "name", "lock"],
)
def test_each_source_counts(recipe: Path, change: Callable[[Path], object]) -> None:
    (recipe / "locks").mkdir(exist_ok=True)
    before = digest(recipe)
    change(recipe)
    assert digest(recipe) != before


def test_each_other_input_counts(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [digest(recipe), digest(recipe, "puppet"), digest(recipe, names=("a", "b")), digest(recipe, names=("ab",))]
    for name, value in (("suite", lambda _: "forky"), ("FORMAT", build.FORMAT + 1)):
        monkeypatch.setattr(build, name, value)
        digests.append(digest(recipe))
    assert len(set(digests)) == 6


def test_a_real_machine_is_of_its_own_release_and_everything_else_of_stable() -> None:
    assert {kind: packages.suite(kind) for kind in packages.KINDS} == {
        "monitor": "trixie", "puppet": "trixie", "fleet": "trixie", "agent-bookworm": "bookworm", "agent-trixie": "trixie", "agent-forky": "forky",
    }  # fmt: skip

"""A container's own disk: its size, and which loop device stands for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vm.drivers import own_disk
from vm.errors import WatchpostError


@pytest.mark.parametrize(("disk_gib", "system_mib", "mib"), [(20, 1500, 18980), (4, 1500, 2596), (1, 1500, own_disk.LEAST_MIB)])
def test_the_system_on_a_disk_is_taken_off_its_size(disk_gib: int, system_mib: int, mib: int) -> None:
    assert own_disk.size_mib(disk_gib, system_mib) == mib


def device(blocks: Path, name: str, backing: str, sectors: int) -> None:
    (blocks / name / "loop").mkdir(parents=True)
    (blocks / name / "loop" / "backing_file").write_text(backing + "\n")
    (blocks / name / "stat").write_text(f" 53 0 2122 15 48 7 {sectors} 5835 0 312 5870 0 0 0 0 3 19\n")


def test_only_the_machines_own_device_is_found_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_disk, "BLOCKS", tmp_path / "block")
    machine = tmp_path / "machines" / "monitor"
    device(tmp_path / "block", "loop0", f"{tmp_path}/machines/other/disk.img", 1000)
    assert own_disk.devices(machine) == [] and own_disk.written_bytes(machine) is None
    device(tmp_path / "block", "loop3", f"{machine}/disk.img", 16)
    assert own_disk.devices(machine) == ["loop3"] and own_disk.written_bytes(machine) == 16 * 512


def test_a_device_of_a_removed_disk_is_still_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_disk, "BLOCKS", tmp_path / "block")
    device(tmp_path / "block", "loop1", f"{tmp_path}/m/disk.img (deleted)", 0)
    assert own_disk.devices(tmp_path / "m") == ["loop1"]


def test_a_disk_that_does_not_come_free_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_disk, "BLOCKS", tmp_path / "block")
    monkeypatch.setattr(own_disk, "DETACH_S", 0.1)
    monkeypatch.setattr(own_disk, "run", lambda *words, **options: None)
    own_disk.detach(tmp_path / "m")  # nothing there: nothing to wait for
    device(tmp_path / "block", "loop1", f"{tmp_path}/m/disk.img", 0)
    with pytest.raises(WatchpostError, match="still in use: /dev/loop1"):
        own_disk.detach(tmp_path / "m")

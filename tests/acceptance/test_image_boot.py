"""The monitor's disk boots to a login prompt by SeaBIOS and by OVMF: the same bits, in software emulation, without a lab."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.emulated import booted
from vm.image import build
from vm.image.build import Image

pytestmark = pytest.mark.project

DATA = Path(__file__).resolve().parents[2] / "puppet_fixtures/data"
FIRMWARE = Path("/usr/share/OVMF")


@pytest.fixture(scope="module")
def image() -> Image:
    """The monitor's image, built if need be."""
    return build.find_or_build("monitor", DATA)[0]


def firmware_argv(name: str, scratch: Path) -> list[str]:
    """QEMU's words for a firmware; OVMF writes into a copy of its variables."""
    if name == "seabios":
        return []
    shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", scratch / "vars.fd")
    return [
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE / 'OVMF_CODE_4M.fd'}",
        "-drive", f"if=pflash,format=raw,unit=1,file={scratch / 'vars.fd'}",
    ]  # fmt: skip


@pytest.mark.parametrize("firmware", ["seabios", "ovmf"])
def test_the_disk_boots_to_a_login_prompt(image: Image, firmware: str, tmp_path: Path) -> None:
    before = image.disk.stat()
    with booted(image.disk, tmp_path, how="snapshot=on", more=firmware_argv(firmware, tmp_path)) as console:
        text = console.read_text(errors="replace")
    assert "Linux version" in text, "the kernel speaks on ttyS0"
    assert ("efi: EFI v" in text) == (firmware == "ovmf"), "the kernel says which firmware started it"
    after = image.disk.stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size), "the disk was not written to"

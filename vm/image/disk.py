"""A raw GPT disk that boots by BIOS and by UEFI, written from a tree without loop devices or mounts.

mke2fs fills the file system straight from the tree, at its place in the disk file: sorted by name, and every time that is
later than SOURCE_DATE_EPOCH becomes that, which all access times are, as no build runs before its packages were made. The
boot loader is put together by grub-mkimage and patched in. All tools come from the image itself, so that the host's release
does not matter.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from vm.command import run

MIB = 2**20
SECTOR = 512
ROOT_UUID = "5f1d0c2e-8a77-4c55-9d5e-2a6f5d3b7c10"
HASH_SEED = "c1b5c8b4-2f64-4b1c-9a0e-6c5d7e8f9a01"
DISK_UUID = "0E5A2A7C-6B1D-4F0B-8C3E-4D2F1A9B7C60"
BIOS_MIB = (1, 1)  # start, length
ESP_MIB = (2, 64)
ROOT_START_MIB = 66
SIZE_MIB = 4096
"""The image as built; the root partition grows to the disk it finds itself on."""

MODULES = (
    "part_gpt", "ext2", "fat", "search", "search_fs_uuid", "normal", "configfile", "linux", "serial", "terminal",
    "echo", "test", "sleep", "ls", "cat", "reboot", "halt", "minicmd", "boot",
)  # fmt: skip

EARLY_CONFIG = f"""search --no-floppy --fs-uuid --set=root {ROOT_UUID}
set prefix=($root)/boot/grub
configfile ($root)/boot/grub/grub.cfg
"""

LAYOUT = f"""label: gpt
label-id: {DISK_UUID}
unit: sectors
first-lba: 34
start={BIOS_MIB[0]}MiB, size={BIOS_MIB[1]}MiB, type=21686148-6449-6E6F-744E-656564454649, uuid={DISK_UUID[:-1]}1, name="bios-boot"
start={ESP_MIB[0]}MiB, size={ESP_MIB[1]}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid={DISK_UUID[:-1]}2, name="efi"
start={ROOT_START_MIB}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid={DISK_UUID[:-1]}3, name="root"
"""


def in_tree(tree: Path, work: Path, argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a tool of the image: its tree read-only as /, and as /media without anything mounted in it; the working directory as /mnt."""
    preload = ["--ro-bind", "/srv", "/srv"] if "LD_PRELOAD" in env else []  # a false clock, see assemble.py
    words: list[str | Path] = [
        "bwrap", "--ro-bind", tree, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *preload,
        "--ro-bind", tree, "/media", "--bind", work, "/mnt", "--chdir", "/mnt", "--unshare-net", *argv,
    ]  # fmt: skip
    run(words, env={**env, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/sbin:/usr/bin", "TMPDIR": "/tmp"})


def patched_boot_code(boot: bytes, core: bytes, core_lba: int) -> tuple[bytes, bytes]:
    """GRUB's first sector and core image, told where the core image stands on the disk.

    boot.img takes the core's first sector at offset 0x5c; the core's first sector ends with a block list entry:
    first sector of the rest, number of sectors, segment to load it to (GRUB's boot/i386/pc/diskboot.S).
    """
    rest = (len(core) - 1) // SECTOR
    patched_boot = boot[:0x5C] + struct.pack("<Q", core_lba) + boot[0x64:440]
    entry = struct.pack("<QHH", core_lba + 1, rest, 0x820)
    return patched_boot, core[: SECTOR - 12] + entry + core[SECTOR:]


def write(tree: Path, target: Path, env: Mapping[str, str]) -> None:
    """Write the disk of a tree. env: has SOURCE_DATE_EPOCH."""
    work = target.parent
    (work / "early.cfg").write_text(EARLY_CONFIG)
    with target.open("wb") as stream:
        stream.truncate(SIZE_MIB * MIB)
    run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", target], input=LAYOUT)

    root_kib = (SIZE_MIB - ROOT_START_MIB - 1) * 1024
    in_tree(
        tree, work,
        ["mke2fs", "-q", "-F", "-t", "ext4", "-m", "1", "-L", "watchpost-root", "-U", ROOT_UUID, "-d", "/media",
         "-E", f"offset={ROOT_START_MIB * MIB},hash_seed={HASH_SEED},lazy_itable_init=0,assume_storage_prezeroed=1",
         target.name, f"{root_kib}k"],
        env,
    )  # fmt: skip

    in_tree(tree, work, ["grub-mkimage", "-O", "i386-pc", "-o", "core.img", "-p", "/boot/grub", "-c", "early.cfg", "biosdisk", *MODULES], env)
    in_tree(tree, work, ["grub-mkimage", "-O", "x86_64-efi", "-o", "bootx64.efi", "-p", "/boot/grub", "-c", "early.cfg", *MODULES], env)
    boot = (tree / "usr/lib/grub/i386-pc/boot.img").read_bytes()
    boot_code, core = patched_boot_code(boot, (work / "core.img").read_bytes(), BIOS_MIB[0] * MIB // SECTOR)

    with (work / "esp.img").open("wb") as stream:
        stream.truncate(ESP_MIB[1] * MIB)
    in_tree(tree, work, ["mkfs.fat", "-F", "32", "-i", "57415443", "-n", "ESP", "--invariant", "esp.img"], env)
    in_tree(tree, work, ["mmd", "-i", "esp.img", "::EFI", "::EFI/BOOT"], env)
    in_tree(tree, work, ["mcopy", "-i", "esp.img", "bootx64.efi", "::EFI/BOOT/BOOTX64.EFI"], env)

    with target.open("r+b") as stream:
        stream.write(boot_code)
        stream.seek(BIOS_MIB[0] * MIB)
        stream.write(core)
        stream.seek(ESP_MIB[0] * MIB)
        stream.write((work / "esp.img").read_bytes())
    for rest in ("early.cfg", "core.img", "bootx64.efi", "esp.img"):
        (work / rest).unlink()

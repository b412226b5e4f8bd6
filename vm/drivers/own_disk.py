"""A container's own disk: an ext4 file system in a sparse file, reached through a loop device that goes with the container.

With it a machine's disk has the size that was asked for, and the kernel counts what the machine writes (a v1 host counts nothing by group).
The device is told to go with its last user as soon as the mount holds it; `detach` is for what died in between.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vm.command import run
from vm.errors import WatchpostError

NAME = "disk.img"
LEAST_MIB = 256
BLOCKS = Path("/sys/block")
SECTOR_BYTES = 512
"""The unit of /sys/block/DEVICE/stat whatever the device (Documentation/block/stat.rst of Linux)."""
DETACH_S = 10.0


def size_mib(disk_gib: int, system_mib: int) -> int:
    """What is left of a disk beside the system on it; the system itself lies in the image, which machines share. Pure."""
    return max(LEAST_MIB, disk_gib * 1024 - system_mib)


def make(directory: Path, mib: int) -> str:
    """Make the disk in a machine's directory; returns why this host can not, empty when it could."""
    image = directory / NAME
    try:
        with image.open("xb") as stream:
            os.truncate(stream.fileno(), mib * 2**20)
        # a fresh sparse file is all zeros: nothing has to be written now, and nothing later in the background, where it would be counted
        run(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-E", "assume_storage_prezeroed=1,lazy_itable_init=0,lazy_journal_init=0", image])
        with attached(image):
            return ""
    except (WatchpostError, OSError) as error:
        image.unlink(missing_ok=True)
        return str(error).splitlines()[0]


def enlarge(image: Path, mib: int) -> None:
    """Make the image at least so large; what is on it does not know yet."""
    if image.stat().st_size < mib * 2**20:
        os.truncate(image, mib * 2**20)


def grow(directory: Path, mib: int, mounted_by: int) -> str:
    """Make the disk larger while it is mounted; returns why that is not possible, empty when it is done. mounted_by: a process that sees it mounted.

    Root without CAP_SYS_RESOURCE (capabilities(7)) may not resize a mounted ext4; `fit` then does it once the machine has ended.
    """
    image = directory / NAME
    enlarge(image, mib)
    for device in devices(directory):
        run(["losetup", "--set-capacity", f"/dev/{device}"])
        # resize2fs looks where the file system is mounted, which is nowhere to be seen from outside
        done = run(["nsenter", f"--target={mounted_by}", "--mount", "--", "resize2fs", f"/dev/{device}"], check=False)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "resize2fs failed"
    return ""


def fit(directory: Path, mib: int) -> None:
    """Make the disk, which nobody has mounted, at least so large, and let its file system have all of it."""
    image = directory / NAME
    enlarge(image, mib)
    run(["e2fsck", "-f", "-p", image], check=False)  # its exit code 1 says that it has mended something; resize2fs refuses what is broken
    run(["resize2fs", image])


@contextmanager
def attached(image: Path) -> Iterator[str]:
    """The image as a block device, past the host's page cache where its file system allows that; it goes with its last user."""
    device = run(["losetup", "--find", "--show", image]).stdout.strip()
    try:
        run(["losetup", "--direct-io=on", device], check=False)
        yield device
    finally:
        run(["losetup", "--detach", device])


def mount(directory: Path) -> Path:
    """Mount the disk in this mount namespace; returns where."""
    place = directory / "disk"
    with attached(directory / NAME) as device:
        run(["mount", "-t", "ext4", device, place])
    return place


def devices(directory: Path) -> list[str]:
    """Names of the loop devices that stand for the disk in a machine's directory, a removed one included."""
    image, found = str(directory / NAME), []
    for path in BLOCKS.glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if path.read_text().strip().removesuffix(" (deleted)") == image:
                found.append(path.parts[-3])
    return sorted(found)


def detach(directory: Path) -> None:
    """Let go of the disk once its machine has ended. Raises WatchpostError when something still holds it."""
    end = time.monotonic() + DETACH_S
    while found := devices(directory):
        if time.monotonic() > end:
            raise WatchpostError(f"the disk of a machine is still in use: /dev/{found[0]}", str(directory / NAME), "look who has it mounted")
        for device in found:
            run(["losetup", "--detach", f"/dev/{device}"], check=False)
        time.sleep(0.05)


def written_bytes(directory: Path) -> int | None:
    """Bytes that reached the disk since it was attached; None where the machine has none of its own."""
    for device in devices(directory):
        with contextlib.suppress(OSError):
            return int((BLOCKS / device / "stat").read_text().split()[6]) * SECTOR_BYTES
    return None

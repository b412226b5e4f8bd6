"""Which programs start on a machine: seen from outside by the kernel's fanotify(7), on the mount of a container's root."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.conftest import LiveLab
from vm.drivers import container

CLOEXEC, NONBLOCK, ADD, WHOLE_MOUNT, OPEN_EXEC, HERE = 0x1, 0x2, 0x1, 0x10, 0x1000, -100
"""FAN_CLOEXEC, FAN_NONBLOCK, FAN_MARK_ADD, FAN_MARK_MOUNT, FAN_OPEN_EXEC of linux/fanotify.h; AT_FDCWD."""
EVENT = struct.Struct("=IBBHQii")
"""Length, version, reserved, length of this, mask, file, process."""


@contextmanager
def watched(lab: LiveLab, kind: str) -> Iterator[list[str]]:
    """Paths of the programs, and of their loaders and scripts' interpreters, that start there meanwhile. Raises OSError where the kernel has no fanotify."""
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.fanotify_init(CLOEXEC | NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "fanotify_init")
    root = f"/proc/{container.leader_pid(lab.lab, kind)}/root".encode()
    if libc.fanotify_mark(queue, ADD | WHOLE_MOUNT, ctypes.c_uint64(OPEN_EXEC), HERE, root) < 0:
        raise OSError(ctypes.get_errno(), "fanotify_mark")
    found: list[str] = []
    ending = threading.Event()

    def look() -> None:
        while not ending.is_set():
            if select.select([queue], [], [], 0.2)[0]:
                found.extend(paths(os.read(queue, 65536)))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ending.set()
        thread.join(5)
        os.close(queue)


def paths(data: bytes) -> Iterator[str]:
    """The files that events are about; each event's own descriptor is closed."""
    while len(data) >= EVENT.size:
        length, _, _, _, _, file, _ = EVENT.unpack_from(data)
        if file >= 0:
            yield os.readlink(f"/proc/self/fd/{file}")
            os.close(file)
        data = data[length:]

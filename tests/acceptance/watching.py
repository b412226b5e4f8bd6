"""What happens while a test runs, seen from outside: frames on the lab's bridge, and programs that start on a machine (fanotify(7))."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from tests.acceptance.conftest import LiveLab
from vm.drivers import container

CLOEXEC, NONBLOCK, ADD, WHOLE_MOUNT, OPEN_EXEC, HERE = 0x1, 0x2, 0x1, 0x10, 0x1000, -100
"""FAN_CLOEXEC, FAN_NONBLOCK, FAN_MARK_ADD, FAN_MARK_MOUNT, FAN_OPEN_EXEC of linux/fanotify.h; AT_FDCWD."""
EVENT = struct.Struct("=IBBHQii")
"""Length, version, reserved, length of this, mask, file, process."""
ALL_FRAMES = 0x0003
ENOUGH = 256 * 2**20
LOOK_S = 0.2


@contextmanager
def repeated(step: Callable[[], None]) -> Iterator[None]:
    """A step again and again meanwhile, in a thread of its own; each may take LOOK_S to find nothing."""
    ending = threading.Event()

    def work() -> None:
        while not ending.is_set():
            step()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(5)


@contextmanager
def captured(bridge: str) -> Iterator[bytearray]:
    """All frames that pass a bridge meanwhile, one after the other; at most ENOUGH bytes."""
    found = bytearray()
    with closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(ALL_FRAMES))) as listening:
        listening.bind((bridge, 0))

        def keep() -> None:
            if select.select([listening], [], [], LOOK_S)[0]:
                frame = listening.recv(65536)
                if len(found) < ENOUGH:
                    found.extend(frame)

        with repeated(keep):
            yield found


@contextmanager
def watched(lab: LiveLab, kind: str) -> Iterator[list[str]]:
    """Paths of the programs, and of their loaders and scripts' interpreters, that start there meanwhile. Raises OSError where the kernel has no fanotify."""
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.fanotify_init(CLOEXEC | NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "fanotify_init")
    found: list[str] = []

    def look() -> None:
        if select.select([queue], [], [], LOOK_S)[0]:
            found.extend(paths(os.read(queue, 65536)))

    try:
        root = f"/proc/{container.leader_pid(lab.lab, kind)}/root".encode()
        if libc.fanotify_mark(queue, ADD | WHOLE_MOUNT, ctypes.c_uint64(OPEN_EXEC), HERE, root) < 0:
            raise OSError(ctypes.get_errno(), "fanotify_mark")
        with repeated(look):
            yield found
    finally:
        os.close(queue)


def paths(data: bytes) -> Iterator[str]:
    """The files that events are about; each event's own descriptor is closed."""
    while len(data) >= EVENT.size:
        length, _, _, _, _, file, _ = EVENT.unpack_from(data)
        if file >= 0:
            yield os.readlink(f"/proc/self/fd/{file}")
            os.close(file)
        data = data[length:]

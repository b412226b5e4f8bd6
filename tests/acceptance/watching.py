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
from pathlib import Path

from tests.acceptance.conftest import LiveLab
from vm.drivers import container
from vm.wait import wait_until

CLOEXEC, NONBLOCK, ADD, WHOLE_FILE_SYSTEM, OPEN_EXEC, HERE = 0x1, 0x2, 0x1, 0x100, 0x1000, -100
"""FAN_CLOEXEC, FAN_NONBLOCK, FAN_MARK_ADD, FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC of linux/fanotify.h; AT_FDCWD."""
EVENT = struct.Struct("=IBBHQii")
"""Length, version, reserved, length of this, mask, file, process."""
ALL_FRAMES = 0x0003
ENOUGH = 256 * 2**20
LOOK_S = 0.2
LOST = "events were lost"
MARKS = {"monitor": "/var/lib/icinga2/by-an-attack", "puppet": "/var/lib/puppetserver/by-an-attack"}
"""Where an attack leaves something on each machine: where the daemon's own user may write, and others see it."""
PROGRAM = "/usr/bin/mkfifo"
"""What an attack starts: nothing else in the lab does."""
ATTACK = (PROGRAM, *MARKS.values())


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
    """Paths of the programs, and of their loaders and scripts' interpreters, that start there meanwhile from the container's own file system, in whatever mount namespace: a hardened
    daemon has one of its own. Raises OSError where the kernel has no fanotify.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.fanotify_init(CLOEXEC | NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "fanotify_init")
    found: list[str] = []

    def look() -> None:
        if select.select([queue], [], [], LOOK_S)[0]:
            found.extend(paths(os.read(queue, 65536)))

    try:
        if libc.fanotify_mark(queue, ADD | WHOLE_FILE_SYSTEM, ctypes.c_uint64(OPEN_EXEC), HERE, bytes(inside(lab, kind))) < 0:
            raise OSError(ctypes.get_errno(), "fanotify_mark")
        with repeated(look):
            yield found
    finally:
        os.close(queue)


def inside(lab: LiveLab, kind: str, path: str = "/") -> Path:
    """A container's file, from outside."""
    return Path(f"/proc/{container.leader_pid(lab.lab, kind)}/root") / path.lstrip("/")


def paths(data: bytes) -> Iterator[str]:
    """The files that events are about, LOST for what the queue could not hold; each event's own descriptor is closed."""
    while len(data) >= EVENT.size:
        length, _, _, _, _, file, _ = EVENT.unpack_from(data)
        if file < 0:
            yield LOST
        else:
            yield os.readlink(f"/proc/self/fd/{file}")
            os.close(file)
        data = data[length:]


@contextmanager
def resisting(lab: LiveLab, kind: str, unit: str) -> Iterator[list[str]]:
    """A daemon under attack: neither does PROGRAM start on its machine, nor is there the mark. What started besides is handed out.

    The control, in the same watch: where the daemon's own user runs ATTACK in the daemon's own mount namespace, both are seen.
    """
    mark = inside(lab, kind, MARKS[kind])
    mark.unlink(missing_ok=True)
    with watched(lab, kind) as started:
        yield started
        assert started.count(PROGRAM) == started.count(LOST) == 0
        assert not mark.exists()
        try:
            container.inside(lab.lab, kind, within(lab, kind, unit, *ATTACK), check=False)
            assert mark.exists(), "the daemon's user can write there"
            wait_until(lambda: PROGRAM in started, reason="the watch sees what the daemon starts", deadline_s=10)
        finally:
            mark.unlink(missing_ok=True)


def within(lab: LiveLab, kind: str, unit: str, *argv: str) -> list[str]:
    """A command as a daemon itself would run it: as its user, in its mount namespace."""
    pid = container.inside(lab.lab, kind, ["systemctl", "show", "--property=MainPID", "--value", unit]).strip()
    user = container.inside(lab.lab, kind, ["stat", "--format=%U", f"/proc/{pid}"]).strip()
    return ["nsenter", f"--target={pid}", "--mount", "--", "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--", *argv]

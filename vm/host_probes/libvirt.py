"""libvirt: a daemon that answers on its socket, or programs that can be started where no init does it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from vm.finding import Finding, Question

SOCKETS = (Path("/run/libvirt/libvirt-sock"), Path("/run/libvirt/virtqemud-sock"))
PROGRAMS = ("libvirtd", "virtlogd")


def answers(path: Path) -> bool:
    """Whether something accepts connections there."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


def probe(question: Question) -> Finding:
    """Whether domains and networks can be defined."""
    for path in SOCKETS:
        if answers(path):
            return Finding(name="libvirt", level="OK", detail=f"answers on {path}")
    absent = [name for name in PROGRAMS if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if absent:
        return Finding(
            name="libvirt",
            level="missing",
            detail=f"no socket answers, and not installed: {', '.join(absent)}",
            remedy="run ./bootstrap",
        )
    return Finding(name="libvirt", level="OK", detail="no socket answers; it will be started when it is needed")

"""KVM, judged by booting a kernel: a /dev/kvm that opens may still run no Debian kernel.

The answer is remembered for this host, kernel and QEMU, as a negative one costs the whole deadline.
"""

from __future__ import annotations

import hashlib
import os
import platform
import selectors
import shutil
import subprocess
import time
from pathlib import Path
from typing import Literal

from vm import cpu
from vm.artefact import Record, digest, load, save
from vm.errors import BadInput
from vm.finding import Finding, Question

FIRST_LINE = b"Linux version"


class Verdict(Record):
    """A remembered answer, valid for one key."""

    version: Literal[1] = 1
    key: str
    boots: bool
    evidence: str


def first_line(qemu: str, kernel: Path, deadline_s: float) -> tuple[bool, str]:
    """Boot the kernel with KVM until its first line and end the machine. Yes or no, and the evidence."""
    argv = [
        qemu,
        "-accel",
        "kvm",
        "-machine",
        "q35",
        "-cpu",
        "host",
        "-m",
        "256",
        "-nodefaults",
        "-no-user-config",
    ]
    argv += ["-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", str(kernel)]
    argv += ["-append", "console=ttyS0 earlyprintk=serial,ttyS0 panic=-1"]
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return False, f"{qemu} does not start: {error}"
    assert process.stdout is not None
    heard = b""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while (left := deadline_s - (time.monotonic() - began)) > 0:
                if not selector.select(left):
                    break
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    last = heard.strip().splitlines()[-1:] or [b"it printed nothing"]
                    code = process.wait(timeout=5)
                    return False, f"QEMU ended with code {code}: {last[0].decode(errors='replace')[:200]}"
                heard = (heard + piece)[-131072:]
                if FIRST_LINE in heard:
                    return True, f"the kernel's first line came after {time.monotonic() - began:.1f} s"
        return False, f"no line of the kernel within {deadline_s:.0f} s"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def host_kernel() -> Path | None:
    """A kernel of this host itself, the newest one, if it has any."""
    found = [path for path in Path("/boot").glob("vmlinuz*") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def identity() -> list[str]:
    """What this host is: another CPU or another host kernel may answer otherwise."""
    machine = Path("/etc/machine-id")
    return [
        machine.read_text().strip() if machine.exists() else "",
        cpu.model(),
        platform.release(),
    ]


def judge(question: Question, kernel: Path, program: str) -> Verdict:
    """Answer from memory, or by booting."""
    stat = Path(program).stat()
    content = hashlib.sha256(kernel.read_bytes()).hexdigest()
    key = digest([identity(), content, program, stat.st_size, stat.st_mtime_ns, question.deadline_s])
    try:
        known = load(Verdict, question.cache)
        if known.key == key:
            return known.model_copy(update={"evidence": f"{known.evidence} (remembered)"})
    except BadInput:
        pass  # nothing remembered, or by another version: ask again
    boots, evidence = first_line(program, kernel, question.deadline_s)
    verdict = Verdict(key=key, boots=boots, evidence=evidence)
    save(verdict, question.cache)
    return verdict


def probe(question: Question) -> Finding:
    """Whether a guest boots with KVM."""
    if not question.device.exists():
        return Finding(
            name="kvm",
            level="missing",
            detail=f"there is no {question.device}",
            remedy="TCG is taken; for KVM use a host with VT-x or AMD-V, or with nested virtualisation",
        )
    if not os.access(question.device, os.R_OK | os.W_OK):
        return Finding(name="kvm", level="missing", detail=f"{question.device} may not be opened", remedy="run as root")
    program = shutil.which(question.qemu)
    if program is None:
        return Finding(
            name="kvm", level="missing", detail=f"{question.qemu} is not installed", remedy="run ./bootstrap"
        )
    kernel = question.kernel or host_kernel()
    if kernel is None:
        return Finding(
            name="kvm",
            level="degraded",
            detail="cannot be judged yet: there is no kernel to boot; TCG is taken until then",
            remedy="build the image (invoke image), then ask again",
        )
    verdict = judge(question, kernel, program)
    if verdict.boots:
        return Finding(name="kvm", level="OK", detail=verdict.evidence)
    return Finding(
        name="kvm",
        level="missing",
        detail=f"{question.device} opens but boots no kernel: {verdict.evidence}",
        remedy=f"TCG is taken; to ask again, remove {question.cache}",
    )

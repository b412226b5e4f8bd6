"""What a host probe answers and what it may ask about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vm.artefact import Record

Level = Literal["OK", "degraded", "missing"]


class Finding(Record):
    """What this host can do (OK), can do with a limit (degraded), or cannot (missing), and what helps."""

    name: str
    level: Level
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Question:
    """What probes may need.

    kernel: what a guest would boot (None: not built yet); cache: the file that remembers slow answers.
    """

    kernel: Path | None
    cache: Path
    device: Path = Path("/dev/kvm")
    qemu: str = "qemu-system-x86_64"
    deadline_s: float = 20

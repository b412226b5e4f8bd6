"""What the kernel says of this host's CPU."""

from __future__ import annotations

from pathlib import Path


def model() -> str:
    """The model of the first CPU as the kernel names it; empty when it names none."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")

"""Pressure stall figures: how long tasks waited for CPU, memory and disk. Load tests use them."""

from __future__ import annotations

from pathlib import Path

from vm.finding import Finding, Question

FOLDER = Path("/proc/pressure")


def probe(question: Question) -> Finding:
    """Whether the kernel counts."""
    figures = []
    for name in ("cpu", "memory", "io"):
        try:
            words = (FOLDER / name).read_text().split()
        except OSError as error:
            return Finding(
                name="pressure",
                level="degraded",
                detail=f"no pressure figures: {error.strerror}",
                remedy="boot the host with psi=1",
            )
        figures.append(f"{name} {words[1].removeprefix('avg10=')} %")
    return Finding(name="pressure", level="OK", detail=f"last 10 s, some task waited: {', '.join(figures)}")

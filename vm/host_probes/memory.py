"""Memory for a lab: puppetserver and PuppetDB take about 2 GiB, the monitor what its hosting spec says."""

from __future__ import annotations

from pathlib import Path

from vm.finding import Finding, Question

COMFORT_MIB = 8192
LEAST_MIB = 5120
SUPPORT_MIB = 2048
"""What puppetserver and PuppetDB take by themselves."""


def judge(available_mib: int) -> Finding:
    """From MemAvailable (pure)."""
    detail = f"{available_mib} MiB available"
    if available_mib < LEAST_MIB:
        return Finding(
            name="memory",
            level="missing",
            detail=detail,
            remedy=f"a lab needs about {LEAST_MIB} MiB: end other programs",
        )
    if available_mib < COMFORT_MIB:
        return Finding(
            name="memory",
            level="degraded",
            detail=detail,
            remedy=f"take a small monitor, or {COMFORT_MIB} MiB",
        )
    return Finding(name="memory", level="OK", detail=detail)


def available_mib() -> int:
    """What the kernel could give to programs."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    figures = dict(line.split(":", 1) for line in lines)
    return int(figures["MemAvailable"].split()[0]) // 1024


def probe(question: Question) -> Finding:
    """Ask the kernel."""
    return judge(available_mib())

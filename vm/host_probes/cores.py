"""Processor cores that this process may use."""

from __future__ import annotations

import os

from vm.finding import Finding, Question


def judge(count: int) -> Finding:
    """Two cores keep the monitor's load apart from everything else's (pure)."""
    if count < 2:
        return Finding(
            name="cores",
            level="degraded",
            detail="1 core: everything works slowly",
            remedy="give the host two cores",
        )
    return Finding(name="cores", level="OK", detail=f"{count} cores")


def probe(question: Question) -> Finding:
    """Count them."""
    return judge(len(os.sched_getaffinity(0)))

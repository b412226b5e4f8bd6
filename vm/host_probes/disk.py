"""Disk space where the labs are kept."""

from __future__ import annotations

import shutil

from vm.finding import Finding, Question

COMFORT_GIB = 20
LEAST_GIB = 10


def judge(free_gib: float, place: str) -> Finding:
    """Images, their cache and the machines of a lab take about LEAST_GIB (pure)."""
    detail = f"{free_gib:.0f} GiB free in {place}"
    if free_gib < LEAST_GIB:
        return Finding(name="disk", level="missing", detail=detail, remedy=f"make {LEAST_GIB} GiB free")
    if free_gib < COMFORT_GIB:
        return Finding(
            name="disk", level="degraded", detail=detail, remedy=f"make {COMFORT_GIB} GiB free for load tests"
        )
    return Finding(name="disk", level="OK", detail=detail)


def probe(question: Question) -> Finding:
    """Look at the file system that the cache file is, or will be, on."""
    place = question.cache.absolute().parent
    while not place.exists():
        place = place.parent
    return judge(shutil.disk_usage(place).free / 2**30, str(place))

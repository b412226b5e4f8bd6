"""Icinga's own counters, from /v1/status (never the object lists: they cost many times their size in memory)."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from loadtest.probes import Reading
from loadtest.rig import Rig
from provision import icinga_api, pushing

TURNS = 5


@functools.lru_cache(maxsize=1)
def kept(access: icinga_api.ApiAccess) -> icinga_api.Kept:
    """The one connection of a lab's probes."""
    return icinga_api.Kept(access)


def read(rig: Rig, turn: int) -> Iterable[Reading]:
    """States, endpoints and rates."""
    if turn % TURNS:
        return
    found = icinga_api.read_status(kept(pushing.access(rig.lab, rig.work.plan.nodes, rig.work.plan.ca)).get("/v1/status"))
    yield "endpoints_connected", found.endpoints_connected, ""
    yield "checks_per_minute", found.checks_per_minute, ""
    yield "uptime_s", found.uptime_s, ""
    for state, count in found.services.items():
        yield "services", count, f"state={state}"

"""How the facts of a simulated host change with time, beyond the clock-like ones that puppet_fixtures/facts.py has at each look.

Slow drift: the root file system fills and is cleaned. Rare events: packages are upgraded about weekly, the kernel about monthly, each
host on days of its own. Pure: the same host and time give the same facts.
"""

from __future__ import annotations

import copy
import zlib
from datetime import datetime
from typing import Any

DAY_S = 86400
KERNEL_DAYS, PACKAGE_DAYS, FILL_DAYS = 30, 7, 21


def epoch_of(certname: str, at: datetime, days: int) -> tuple[int, float]:
    """Which period of so many days a host is in, and how far (0 to 1) it has come in it."""
    phase_s = zlib.crc32(f"{certname}!{days}".encode()) % (days * DAY_S)
    number, rest = divmod(at.timestamp() + phase_s, days * DAY_S)
    return int(number), rest / (days * DAY_S)


def drifted(facts: dict[str, Any], certname: str, at: datetime) -> dict[str, Any]:
    """The facts as they are at that time."""
    found = copy.deepcopy(facts)
    upgrades, _ = epoch_of(certname, at, PACKAGE_DAYS)
    kernels, _ = epoch_of(certname, at, KERNEL_DAYS)
    _, fill = epoch_of(certname, at, FILL_DAYS)
    found["ssh"]["version"]["full"] += f"-u{upgrades % 50}"
    found["kernelrelease"] += f".{kernels % 20}"
    root = found["mountpoints"]["/"]
    used = int(root["size_bytes"] * (0.3 + 0.4 * fill))
    root["used_bytes"], root["available_bytes"] = used, root["size_bytes"] - used
    root["capacity"] = f"{100 * used / root['size_bytes']:.2f}%"
    return found

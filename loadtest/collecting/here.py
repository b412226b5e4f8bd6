"""How much else went on where the bench ran."""

from __future__ import annotations

import os
import time
from pathlib import Path


def busy_s(stat: str) -> float:
    """CPU seconds that all processors worked, from /proc/stat (pure)."""
    user, nice, system, _idle, _wait, irq, softirq, steal = (int(it) for it in stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Noise:
    """How busy others keep the processors, from when it was made."""

    def __init__(self, ours_s: float = 0.0) -> None:
        self._ours_s, self._began, self._busy_s = ours_s, time.monotonic(), busy_s(_stat())

    def share(self, ours_s: float = 0.0) -> float:
        """The share of all processors that others took since. ours_s: CPU seconds that were ours, counted like those at the beginning."""
        others_s = busy_s(_stat()) - self._busy_s - (ours_s - self._ours_s)
        return round(min(1.0, max(0.0, others_s / (time.monotonic() - self._began) / (os.cpu_count() or 1))), 3)


def _stat() -> str:
    return Path("/proc/stat").read_text()

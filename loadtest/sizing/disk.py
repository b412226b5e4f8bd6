"""How much disk a retention time needs, from measured bytes a state change and a stated number of changes. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from loadtest.estimate import Estimate
from loadtest.run import Run
from loadtest.sizing import metrics
from loadtest.sizing.line import mean
from vm.artefact import Record

CHANGES_PER_SERVICE_DAY = 2.0
"""Our assumption, not a measurement: each service goes down and up again once a day. The disk scales with it."""
RETENTION_DAYS = 365
FREE_SHARE = 0.30
"""Of the disk, kept free at the end of the retention time. GitHub warns at 70 % of a disk:
https://docs.github.com/en/enterprise-server@3.0/admin/enterprise-management/recommended-alert-thresholds, read 2026-11-25."""
LOGS_MIB = 512
"""The most that logs take: systemd's journal is held to this by Puppet (profile::monitor::budget, journal_max_mib), and Icinga and its services log there."""
GIB = 2**30


class Accelerated(Record):
    """The history of some days, made in minutes by the longest storm: what it took, and what the shorter ones predict of it."""

    changes: float
    days: float
    measured_mib: float
    predicted_mib: float


class Disk(Record):
    """The disk of a fleet. base_mib: without history and logs; logs_mib: their bound. day_bytes: what a day of history adds, with its interval. gib: what to order."""

    base_mib: float
    day_bytes: Estimate
    changes_per_day: float
    bytes_per_change: Estimate
    logs_mib: float = LOGS_MIB
    retention_days: int = RETENTION_DAYS
    gib: int
    accelerated: Accelerated | None = None

    def used_gib(self, day: float) -> Estimate:
        """GiB in use after so many days."""
        base = (self.base_mib + self.logs_mib) / 1024
        return Estimate(
            value=base + self.day_bytes.value * day / GIB,
            low=base + self.day_bytes.low * day / GIB,
            high=base + self.day_bytes.high * day / GIB,
            repeats=self.day_bytes.repeats,
        )


def disk_of(
    runs: Iterable[Run], hosts: float, services: int, retention_days: int = RETENTION_DAYS, vm_disk_mib: float = 0
) -> Disk | None:
    """The disk that these runs tell; None where bytes a state change or the base were not measured. The interval's upper end is used."""
    sound = [run for run in runs if run.verdict != "invalid"]
    change = mean([run.metrics[metrics.BYTES_PER_STATE_CHANGE].value for run in sound if metrics.BYTES_PER_STATE_CHANGE in run.metrics])
    bases = [run.metrics[metrics.DISK_BASE_MIB].value for run in sound if metrics.DISK_BASE_MIB in run.metrics]
    if change is None or not bases:
        return None
    changes = hosts * services * CHANGES_PER_SERVICE_DAY
    day = Estimate(
        value=change.value * changes,
        low=change.low * changes,
        high=change.high * changes,
        repeats=change.repeats,
    )
    base = max(bases) + vm_disk_mib
    used = (base + LOGS_MIB) / 1024 + day.high * retention_days / GIB
    return Disk(
        base_mib=base,
        day_bytes=day,
        changes_per_day=changes,
        bytes_per_change=change,
        retention_days=retention_days,
        gib=math.ceil(used / (1 - FREE_SHARE)),
        accelerated=accelerated(sound, changes),
    )


def accelerated(runs: Iterable[Run], changes_per_day: float) -> Accelerated | None:
    """The longest storm held against the mean of the others; None where there are not two."""
    needed = (metrics.HARD_STATE_CHANGES, metrics.BYTES_PER_STATE_CHANGE)
    storms = sorted((run.metrics[needed[0]].value, run.metrics[needed[1]].value) for run in runs if all(name in run.metrics for name in needed))
    if len(storms) < 2:
        return None
    *shorter, (count, size) = storms
    others = sum(one for _, one in shorter) / len(shorter)
    return Accelerated(changes=count, days=count / changes_per_day, measured_mib=count * size / 2**20, predicted_mib=count * others / 2**20)

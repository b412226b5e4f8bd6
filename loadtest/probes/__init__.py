"""What is looked at from the host once a second: one file a probe, found by its name. Each has `read(rig, turn)`.

What services tell of themselves is asked in their machine: loadtest/inside. A probe that can not read what it wants once is skipped for that
second; one that never could says so through the metrics that are missing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from typing import cast

from loadtest.rig import Rig

Reading = tuple[str, float, str]
"""Metric, value, labels."""
Read = Callable[[Rig, int], Iterable[Reading]]
"""read(rig, turn): turn counts the seconds; what is dear to read is read in some turns only."""


def names() -> tuple[str, ...]:
    """The probes there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def probes() -> dict[str, Read]:
    """Every probe's reading function."""
    return {name: cast(Read, importlib.import_module(f"loadtest.probes.{name}").read) for name in names()}

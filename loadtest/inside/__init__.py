"""What is asked of a machine's own services, every five seconds, by one process a machine. One file a probe; this folder finds them.

Nothing here imports anything but Python's own library: beside a container the process runs on the host, in the machine's network namespace and
with its files below `root`; into a VM it is sent. So it costs a container nothing but the answers.

A probe is a module with MACHINE (the kind it belongs to) and a class Probe: made once with a Place, read every five seconds. A probe that can not read
what it wants raises; it is asked again in the next second.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Reading = tuple[str, float, str]
"""Metric, value, labels. Units end the metrics' names; counters stay counters."""


@dataclass(frozen=True)
class Place:
    """A machine as a probe sees it: root of its files, words before a command that is to run inside, what else it has to know."""

    root: Path
    enter: tuple[str, ...] = ()
    secrets: Mapping[str, str] | None = None


class Asked(Protocol):
    """What every probe can do."""

    def read(self, turn: int) -> Iterable[Reading]:
        """Its readings now; turn counts the seconds, and what is dear is read in some turns only."""


def names() -> tuple[str, ...]:
    """The probes there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def probes(machine: str, place: Place) -> dict[str, Asked]:
    """The probes of a kind of machine."""
    found = {name: importlib.import_module(f".{name}", __name__) for name in names()}
    return {name: module.Probe(place) for name, module in found.items() if machine == module.MACHINE}

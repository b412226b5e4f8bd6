"""What can be asked of the machine: one file a scenario, found by its name. Each file has a `SCENARIO`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from loadtest.arrivals import Stream
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen
from loadtest.load_spec import ActorSpec
from loadtest.objective import Objective
from loadtest.rig import Rig
from loadtest.samples import Sample
from vm.errors import BadInput

Length = Literal["short", "full"]
Load = tuple[list[ActorSpec], list[Stream]]


@dataclass(frozen=True)
class Scenario:
    """A load, an event in the midst of it, and what is demanded.

    load(rig, ends_s, multiple): actors and streams until ends_s. seconds: length of the measured part. event(rig, length): what happens
    at the share event_at of it, when Icinga has run for uptime_s at least; returns metrics of its own. analyse(rig, happened, due, seen, samples, begins): metrics from what the event returned and from the results, begins being the
    epoch of the window. even: whether the load stays the same up to the event, so that the machine can settle.
    """

    name: str
    what: str
    load: Callable[[Rig, float, float], Load]
    objectives: tuple[Objective, ...]
    seconds: Mapping[Length, float]
    warm_up_s: float = 15
    even: bool = True
    event_at: float = 0.2
    uptime_s: float = 0
    event: Callable[[Rig, Length], dict[str, Estimate]] | None = None
    analyse: Callable[[Rig, dict[str, Estimate], list[Due], list[Seen], list[Sample], float], dict[str, Estimate]] | None = None

    def even_s(self, window_s: float) -> float:
        """How long from its beginning the load stays the same, for this length of the measured part."""
        if not self.even:
            return self.warm_up_s
        return self.warm_up_s + window_s * (self.event_at if self.event else 1)


def names() -> tuple[str, ...]:
    """The scenarios there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find(name: str) -> Scenario:
    """A scenario by its name. Raises BadInput for one that there is not."""
    if name not in names():
        raise BadInput(f"there is no scenario named {name!r}", "--scenario", f"there are: {', '.join(names())}")
    found: Scenario = importlib.import_module(f"loadtest.scenarios.{name}").SCENARIO
    return found

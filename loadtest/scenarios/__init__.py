"""What can be asked of the machine: one file a scenario, found by its name. Each file has a `SCENARIO`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from loadtest.arrivals import Stream
from loadtest.estimate import Estimate
from loadtest.load_spec import ActorSpec
from loadtest.objective import Objective
from loadtest.rig import Rig
from vm.errors import BadInput

Length = Literal["short", "full"]
Load = tuple[list[ActorSpec], list[Stream]]


@dataclass(frozen=True)
class Scenario:
    """A load, an event in the midst of it, and what is demanded.

    load(rig, ends_s, multiple): actors and streams until ends_s. seconds: length of the measured part. event(rig, seconds): what happens
    at the middle of it, called then; returns metrics of its own. settle_s: after the event until the window ends, at least.
    """

    name: str
    what: str
    load: Callable[[Rig, float, float], Load]
    objectives: tuple[Objective, ...]
    seconds: Mapping[Length, float]
    warm_up_s: float = 15
    event: Callable[[Rig, Length], dict[str, Estimate]] | None = None
    only_events: frozenset[str] = field(default=frozenset())
    """Metrics that only the event gives; without it they are not judged."""


def names() -> tuple[str, ...]:
    """The scenarios there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find(name: str) -> Scenario:
    """A scenario by its name. Raises BadInput for one that there is not."""
    if name not in names():
        raise BadInput(f"there is no scenario named {name!r}", "--scenario", f"there are: {', '.join(names())}")
    found: Scenario = importlib.import_module(f"loadtest.scenarios.{name}").SCENARIO
    return found

"""Who puts load on a machine: one file a kind, found by its name. Actors use plain sockets; Locust's workers make them cooperative."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Protocol

from loadtest.arrivals import Arrival
from vm.errors import BadInput


class Actor(Protocol):
    """One actor with a connection of its own. Arrivals may overlap: each runs in a greenlet of its own."""

    def start(self) -> None:
        """Get ready before the first arrival (connect, log in). Raises what arrive may raise."""

    def arrive(self, arrival: Arrival, intended: float) -> None:
        """Do one thing and return when it is answered. Raises OSError or WatchpostError when it is not.

        intended: when it should have begun, in seconds since the epoch.
        """

    def stop(self) -> None:
        """Close everything; called once, whatever happened before."""


def kinds() -> tuple[str, ...]:
    """The kinds there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def make(kind: str, name: str, settings: dict[str, Any]) -> Actor:
    """An actor of a kind. Each file has a class `Kind` that takes the actor's name and settings."""
    if kind not in kinds():
        raise BadInput(f"there is no kind of actor named {kind!r}", "loadtest/actors", f"there are: {', '.join(kinds())}")
    made: Actor = importlib.import_module(f"loadtest.actors.{kind}").Kind(name, **settings)
    return made

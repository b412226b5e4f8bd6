"""What sizing asks of whoever makes runs. The shape only; loadtest/trial.py makes real ones, tests a simulated machine's."""

from __future__ import annotations

from typing import Literal, Protocol

from loadtest.run import Load, Run
from vm.hosting import HostingSpec

Length = Literal["short", "full"]

RELOAD = "reload"
SEARCHED = ("collect", RELOAD, "people")
"""What every size of the search is tried with: a failing one stops at its first broken objective.

`people` is the load of `steady` and people besides, and judges all that `steady` judges: who passes it meets `steady`.
"""
OUTAGE = "outage"
"""The longest one: tried once the search has a size, then in the proof."""
SCENARIOS = (*SEARCHED, OUTAGE)
"""What a size must pass."""

RAMP = "ramp"
STORM = "storm"
"""Shows what a state change costs on disk."""
LOW_LOAD = 0.1
"""Multiple of the load at which a machine must meet `steady` before a failure of it counts."""


class Trial(Protocol):
    """Make one run on a machine of this size, which is prepared (made, tuned by Puppet, warm) if it is not yet.

    A machine that does not come up is a failed run with an objective for it, not an exception. A run that stopped at its first broken
    objective has outcomes for what it measured only: an unmeasured one would make it invalid. Names of runs are unique.
    """

    def __call__(self, size: HostingSpec, scenario: str, *, length: Length, repeat: int) -> Run: ...


class TrialAt(Protocol):
    """The trial function for a load: fleet of its hosts, arrivals of its multiple."""

    def __call__(self, load: Load) -> Trial: ...

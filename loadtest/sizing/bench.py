"""The bench at which sizes are tried: takes a run from the ledger where it fits, has it made otherwise, and tells what goes on."""

from __future__ import annotations

from collections.abc import Callable

from loadtest.run import Load, Run
from loadtest.sizing.ledger import Asked, Ledger
from loadtest.sizing.trial import Length, TrialAt
from loadtest.sizing.watch import Watch
from vm.errors import WatchpostError
from vm.hosting import HostingSpec

RETRIES = 2


class NotMade(WatchpostError):
    """A run is missing and nobody may make it: the answer stays open there."""


class Bench:
    """Runs on demand. trial_at is None when only recorded runs count. served: every run that was looked at, by its name."""

    def __init__(self, ledger: Ledger, trial_at: TrialAt | None, context: str, watch: Watch) -> None:
        self.ledger = ledger
        self.trial_at = trial_at
        watch.silent = trial_at is None
        self.context = context
        self.watch = watch
        self.served: dict[str, Run] = {}

    def run(self, size: HostingSpec, load: Load, scenario: str, *, length: Length, repeat: int) -> Run:
        """One run. Raises NotMade when it is neither recorded nor may be made."""
        asked = Asked(size=size, load=load, scenario=scenario, length=length, repeat=repeat, context=self.context)
        found = self.ledger.find(asked)
        if found is None:
            if self.trial_at is None:
                raise NotMade(f"no run is recorded of {asked}", str(self.ledger.directory), "make it with `invoke size`")
            trial = self.trial_at(load)
            with self.watch.trial(asked) as tell:
                found = trial(size, scenario, length=length, repeat=repeat)
                tell(found)
            self.ledger.keep(asked, found)
        self.served[found.name] = found
        return found

    def sound(self, size: HostingSpec, load: Load, scenario: str, *, length: Length, count: int = 1) -> None:
        """Runs until so many of them are not invalid, or RETRIES more were made."""
        found = repeat = 0
        while found < count and repeat < count + RETRIES:
            found += self.run(size, load, scenario, length=length, repeat=repeat).verdict != "invalid"
            repeat += 1

    def maker(self, size: HostingSpec, load: Load, scenario: str, length: Length, first: int = 0) -> Callable[[int], Run]:
        """make(repeat) for one question; first: the number of the first repeat."""
        return lambda repeat: self.run(size, load, scenario, length=length, repeat=first + repeat)

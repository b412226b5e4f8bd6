"""A run: one scenario on one size of the machine, what it ran on, what was measured, and the verdict.

The record is all that sizing and reports read; raw samples and histograms stay beside it in files.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loadtest.estimate import Estimate
from loadtest.objective import Outcome, Verdict
from vm.artefact import Record
from vm.hosting import HostingSpec


class Load(Record):
    """What the machine was asked to carry. services are the pushed ones of a host, interval_s the time between two results of each.

    multiple scales arrivals: 2 sends each result twice as often.
    """

    hosts: int = Field(ge=0)
    services: int = Field(ge=0)
    interval_s: float = Field(gt=0)
    multiple: float = Field(default=1, gt=0)

    @property
    def results_per_s(self) -> float:
        """Results that arrive in a second."""
        return self.hosts * self.services * self.multiple / self.interval_s


class RanOn(Record):
    """Where a run was made. reference_units: what bench.host gives for one core of it, 0 when it was not measured.

    noise: the share of CPU time that others took on the host (0 to 1), before the run and during it.
    """

    cpu_model: str
    cores: int
    memory_mib: int
    driver: Literal["libvirt", "container", "host"]
    accelerator: str
    lock_sha256: str
    reference_units: float = 0
    noise_before: float = 0
    noise_during: float = 0

    @property
    def representative(self) -> bool:
        """Whether its times say something of hardware: emulated ones do not."""
        return self.accelerator != "tcg"


class Phase(Record):
    """A part of a run, in seconds from its beginning."""

    name: Literal["warm-up", "steady", "event", "cool-down"]
    begins_s: float
    ends_s: float


class Run(Record):
    """One run. unsound: why its figures are not to be trusted; empty when they are. errors: what went wrong of what the load did, and how often."""

    version: Literal[1] = 1
    name: str
    scenario: str
    began_at: float
    seed: int
    size: HostingSpec
    load: Load
    ran_on: RanOn
    phases: tuple[Phase, ...]
    metrics: dict[str, Estimate]
    outcomes: tuple[Outcome, ...]
    unsound: tuple[str, ...] = ()
    verdict: Verdict
    errors: dict[str, int] = {}
    files: dict[str, str] = {}
    """Raw data by what they are, as paths from the record's own folder."""

    def first_broken(self) -> Outcome | None:
        """The first objective that failed, in the scenario's order."""
        return next((one for one in self.outcomes if one.verdict == "failed"), None)

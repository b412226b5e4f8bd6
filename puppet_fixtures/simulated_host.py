"""What one simulated host is. Which there are, is in fleet.py; what it reports of itself, in facts.py."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MAX_COUNT = 1000


class SimulatedHost(BaseModel):
    """One monitored machine that exists as data, certificate, catalog and results, and as an address of the fleet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1, le=MAX_COUNT)
    certname: str
    role: str
    codename: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    seed: int

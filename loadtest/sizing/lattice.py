"""The sizes that are looked at: vCPUs by steps an engineer buys in, memory by steps of 64 MiB. Pure."""

from __future__ import annotations

import math
from typing import Literal

from vm.artefact import Record
from vm.errors import BadInput
from vm.hosting import MIN_MEMORY_MIB, HostingSpec

VCPUS = (0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 4.0)
STEP_MIB = 64
START_MIB = 256
"""Where the lattice begins; it goes on downwards, to MIN_MEMORY_MIB, until something fails."""
AMPLE_MIB = 2048
"""Memory with which the vCPUs are looked for first: nothing of a fleet of 50 comes near."""

Axis = Literal["cpu", "memory"]


class Cell(Record):
    """One size of the lattice."""

    vcpus: float
    memory_mib: int

    def __str__(self) -> str:
        return f"{self.vcpus:g} vCPU, {self.memory_mib} MiB"

    def spec(self, disk_gib: int) -> HostingSpec:
        """The hosting spec of this size."""
        return HostingSpec(vcpus=self.vcpus, memory_mib=self.memory_mib, disk_gib=disk_gib)


def cell(text: str, option: str) -> Cell:
    """The size that a user names as VCPUSxMIB. Raises BadInput for what is none of the lattice's."""
    vcpus, _, memory = text.partition("x")
    try:
        named = Cell(vcpus=float(vcpus), memory_mib=int(memory))
    except ValueError as error:
        raise BadInput(f"{text!r} is no size", option, f"write for example {option} 0.5x768: vCPUs and MiB") from error
    if named.vcpus not in VCPUS or named.memory_mib % STEP_MIB or not MIN_MEMORY_MIB <= named.memory_mib <= AMPLE_MIB:
        steps = ", ".join(f"{one:g}" for one in VCPUS)
        raise BadInput(f"{named} is no size that is looked at", option, f"vCPUs are {steps}; memory is a multiple of {STEP_MIB} MiB from {MIN_MEMORY_MIB} to {AMPLE_MIB}")
    return named


def measurable(cores: int) -> tuple[float, ...]:
    """The vCPUs that can be measured on a host: the monitor has cores of its own, and one is left for everything else."""
    return tuple(vcpus for vcpus in VCPUS if vcpus <= cores - 1)


def up_to_step(mib: float) -> int:
    """The smallest step that holds this much memory."""
    return max(MIN_MEMORY_MIB, math.ceil(mib / STEP_MIB) * STEP_MIB)


def below(cell: Cell, axis: Axis) -> Cell | None:
    """One step down; None at the lattice's edge."""
    if axis == "memory":
        less = cell.memory_mib - STEP_MIB
        return cell.model_copy(update={"memory_mib": less}) if less >= MIN_MEMORY_MIB else None
    index = VCPUS.index(cell.vcpus)
    return cell.model_copy(update={"vcpus": VCPUS[index - 1]}) if index else None


def above(cell: Cell, axis: Axis) -> Cell | None:
    """One step up; None at the lattice's edge."""
    if axis == "memory":
        more = cell.memory_mib + STEP_MIB
        return cell.model_copy(update={"memory_mib": more}) if more <= AMPLE_MIB else None
    index = VCPUS.index(cell.vcpus)
    return cell.model_copy(update={"vcpus": VCPUS[index + 1]}) if index + 1 < len(VCPUS) else None

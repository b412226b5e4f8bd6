"""From what just passes to what one should order: growth of the fleet, and room for what no plan knows. Pure.

CPU: the average use under `steady`, times growth, stays at or below the knee of the response curve of a queue with m servers, where a
line from the origin touches it: (m + 1)^(-1/m), 0.5 for one vCPU, 0.58 for two, 0.67 for four (Millsap's definition, derived at
https://www.xaprb.com/blog/queueing-knee-tangent/, 30 November 2016). And not below the smallest size that passed, times growth:
what broke below it are bursts, which grow with the fleet.
Memory: the smallest size that passed, and for every further host the upper end of MiB a host; and what a VM's kernel takes that a
container has not, where runs were made in one.
"""

from __future__ import annotations

from loadtest.run import Load
from loadtest.sizing.lattice import VCPUS, Cell, up_to_step
from loadtest.sizing.model import Model
from vm.artefact import Record


class Need(Record):
    """What to order. burst_cores: what the bursts of the grown fleet need; steady_cores: its average use, None where no line tells it.

    Both are of the CPU that was measured; reference_units are those of one core of it, None where bench.host was not run. cell is the
    need on the lattice, None where its 4 vCPUs are too few.
    """

    growth: float
    burst_cores: float
    steady_cores: float | None
    memory_mib: float
    reference_units: float | None
    cell: Cell | None

    @property
    def order_mib(self) -> int:
        """Memory to order, in MiB, as every text says it: the need, on the lattice."""
        return self.cell.memory_mib if self.cell else up_to_step(self.memory_mib)

    def carried_by(self, cores: float, vcpus: float) -> bool:
        """Whether these vCPUs carry it, which together are as fast as so many cores of the measured CPU."""
        return self.burst_cores <= cores + 1e-9 and (self.steady_cores is None or self.steady_cores <= knee(vcpus) * cores)


def knee(vcpus: float) -> float:
    """The highest sensible average use of this many vCPUs, as a share. A fraction of a vCPU is one server, slower."""
    servers = max(1.0, vcpus)
    return float((servers + 1) ** (-1 / servers))


def need(smallest: Cell, load: Load, growth: float, model: Model, vm_memory_mib: float = 0) -> Need:
    """The need of a fleet that grows by this factor. Without a line for memory its smallest passing figure grows as a whole."""
    grown = load.model_copy(update={"multiple": load.multiple * growth})
    steady = model.cpu_cores_at(grown)
    memory = smallest.memory_mib * growth
    if model.memory_mib is not None:
        memory = smallest.memory_mib + (growth - 1) * load.hosts * model.memory_mib.slope.high
    memory += vm_memory_mib
    found = Need(
        growth=growth,
        burst_cores=smallest.vcpus * growth,
        steady_cores=steady.high if steady else None,
        memory_mib=memory,
        reference_units=model.reference_units,
        cell=None,
    )
    vcpus = next((one for one in VCPUS if found.carried_by(one, one)), None)
    cell = Cell(vcpus=vcpus, memory_mib=up_to_step(memory)) if vcpus is not None else None
    return found.model_copy(update={"cell": cell})

"""The metrics of a run that sizing reads, by the names under which scenarios keep them. Units end the names."""

from __future__ import annotations

import re

from loadtest.estimate import Estimate
from loadtest.run import Run

CPU_CORES = "cpu_cores"
"""CPU seconds a second of the whole machine in the measured window."""
MEMORY_PEAK_MIB = "memory_peak_mib"
"""Peak of the machine's working set, the page cache that can be dropped not counted."""
RESULTS_PER_S = "results_per_s"
"""Check results that the machine processed in a second, own and pushed ones."""
BYTES_PER_STATE_CHANGE = "disk_bytes_per_state_change"
HARD_STATE_CHANGES = "hard_state_changes"
"""How many a storm had, over which the bytes of one are a mean."""
DISK_BASE_MIB = "disk_base_mib"
"""What lies on the disk before any history: system, packages, empty database."""
COLLECT_S = "collect_s"
"""The whole collecting Puppet run."""
BROKE_AT_MULTIPLE = "broke_at_multiple"
"""ramp: the multiple of today's load at which the first objective broke."""
CARRIED_MULTIPLE = "carried_multiple"
"""ramp: the highest multiple of today's load that met every objective."""
LATENESS_S = {f"p{p}": f"lateness_p{p}_s" for p in (50, 90, 99)}

_UNIT = re.compile(r"^memory_peak_(.+)_mib$")


def database_mib(run: Run) -> float:
    """Peak of PostgreSQL's memory; 0 where the run does not have it."""
    return sum(value for unit, value in memory_by_unit(run).items() if unit.startswith("postgresql"))


def apart_from_database(run: Run) -> Estimate:
    """Peak of the machine's memory less PostgreSQL's: its buffers fill with time, up to what they were set to, whatever the number of hosts."""
    return run.metrics[MEMORY_PEAK_MIB].plus(-database_mib(run))


def memory_by_unit(run: Run) -> dict[str, float]:
    """Peak MiB by unit, where the run has it."""
    return {found[1]: estimate.value for name, estimate in sorted(run.metrics.items()) if (found := _UNIT.match(name))}

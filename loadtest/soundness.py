"""Why a run says nothing: reasons from its samples. Pure; no reason is a verdict on the machine.

What was wrong with the load (arrivals that were not sent, a saturated worker) the generator tells itself: loadtest.generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from loadtest.samples import Sample, rate, series
from vm.lab import KINDS

SUPPORT_BUSY = 0.7
"""Share of the support cores' time above which the run may have measured them."""
NOISY = 0.1
"""Share of the host's CPU time that others may take, before the run and during it."""
STOLEN = 0.02
"""Share of the host's CPU time that its own hypervisor may withhold."""
PROBE_COST = 0.01
"""Share of one core that probing may take."""


def support_busy(samples: Sequence[Sample], cpus: Iterable[int], begins: float, ends: float) -> float:
    """The share of their time in which the support cores were busy, 0 to 1."""
    shares = [rate(series(samples, "busy_s", f"cpu={number}", begins, ends)) or 0.0 for number in cpus]
    return sum(shares) / len(shares) if shares else 0.0


def noise(samples: Sequence[Sample], cores: int, begins: float, ends: float) -> float:
    """Share of the host's CPU time that neither the lab's machines nor this command and its children took, 0 to 1."""
    busy = rate(series(samples, "busy_s", "cpu=all", begins, ends)) or 0.0
    mine = sum(rate(series(samples, "cpu_s", f"machine={kind}", begins, ends)) or 0.0 for kind in (*KINDS, "harness"))
    return max(0.0, busy - mine) / cores


def stolen(samples: Sequence[Sample], cores: int, begins: float, ends: float) -> float:
    """Share of the host's CPU time that its hypervisor gave to somebody else, 0 to 1."""
    return (rate(series(samples, "stolen_s", "cpu=all", begins, ends)) or 0.0) / cores


def swapped_mib(samples: Sequence[Sample], begins: float, ends: float) -> float:
    """The most that the monitor had in swap."""
    return max((one.value for one in series(samples, "swap_used_mib", "machine=monitor", begins, ends)), default=0.0)


def of_host(
    samples: Sequence[Sample], begins: float, ends: float, *, cores: int, support: Sequence[int], noise_before: float = 0.0, probe_cost: float = 0.0
) -> tuple[str, ...]:
    """What was wrong with the host. support: the cores of everything but the monitor, none where it had no cores of its own."""
    reasons = []
    if not support:
        reasons.append("the monitor has no cores of its own on this host")
    if (busy := support_busy(samples, support, begins, ends)) > SUPPORT_BUSY:
        reasons.append(f"the support cores were busy for {busy:.0%} of the time")
    if (others := noise(samples, cores, begins, ends)) > NOISY:
        reasons.append(f"others took {others:.0%} of the host's CPU time")
    if noise_before > NOISY:
        reasons.append(f"others took {noise_before:.0%} of the host's CPU time before the run")
    if (taken := stolen(samples, cores, begins, ends)) > STOLEN:
        reasons.append(f"the host's own hypervisor withheld {taken:.0%} of its CPU time")
    if (swap := swapped_mib(samples, begins, ends)) > 0:
        reasons.append(f"the monitor had {swap:.0f} MiB in swap")
    if probe_cost > PROBE_COST:
        reasons.append(f"probing took {probe_cost:.1%} of a core")
    return tuple(reasons)


def of_machine(*, packages_before: str, packages_after: str, accelerator: str, unsettled: Iterable[str] = ()) -> tuple[str, ...]:
    """What was wrong with the machine under test. packages: digests of what is installed; unsettled: what had not settled, and why."""
    reasons = [f"the warm-up did not end: {one}" for one in unsettled]
    if packages_before != packages_after:
        reasons.append("packages changed while it ran")
    if accelerator == "tcg":
        reasons.append("an emulated CPU's times are not representative")
    return tuple(reasons)


def covered(samples: Iterable[Sample], probe: str, begins: float, ends: float, *, every_s: float) -> float:
    """The share of the looks of a probe that there should have been and that there were, 0 to 1: a probe that was starved tells of a starved host."""
    looks = {round(one.time_s / every_s) for one in samples if one.probe == probe and begins <= one.time_s <= ends}
    return min(1.0, len(looks) / max(1.0, (ends - begins) / every_s))

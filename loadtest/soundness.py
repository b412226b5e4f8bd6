"""Reasons in a run's samples why it says nothing, beside those that load and objectives give (loadtest.measuring). Pure; none is a verdict on the machine."""

from __future__ import annotations

from collections.abc import Sequence

from loadtest.samples import COST, Sample, peak, rate, series

NOISY = 0.1
"""Share of the host's CPU time that others may take before the run."""
STOLEN = 0.02
"""Share of the host's CPU time that its own hypervisor may give to others."""
PROBE_COST = 0.01
"""Share of one core that probing may take."""


def of_samples(samples: Sequence[Sample], begins: float, ends: float, *, cores: int, noise_before: float) -> tuple[str, ...]:
    """What was wrong between two times. cores: of the host. noise_before: the share that others took before the load began."""
    reasons = []
    if noise_before > NOISY:
        reasons.append(f"others took {noise_before:.0%} of the host's CPU time before the run")
    if (stolen := (rate(series(samples, "stolen_s", "cpu=all", begins, ends)) or 0.0) / cores) > STOLEN:
        reasons.append(f"the host's own hypervisor gave {stolen:.0%} of its CPU time to others")
    if (swapped := peak(series(samples, "swap_used_mib", "machine=monitor", begins, ends)) or 0.0) > 0:
        reasons.append(f"the monitor had {swapped:.0f} MiB in swap")
    if (cost := probe_cost(samples, begins, ends)) > PROBE_COST:
        reasons.append(f"probing took {cost:.1%} of a core")
    if len({one.value for one in series(samples, "changed_at_s", "", begins, ends)}) > 1:
        reasons.append("packages of the monitor changed while it ran")
    return tuple(reasons)


def probe_cost(samples: Sequence[Sample], begins: float, ends: float) -> float:
    """CPU seconds a second that probing took, whoever took them: the harness, the processes that ask, PostgreSQL's answers."""
    return sum(cost_by_part(samples, begins, ends).values())


def cost_by_part(samples: Sequence[Sample], begins: float, ends: float) -> dict[str, float]:
    """CPU seconds a second of each part of probing."""
    parts = sorted({one.labels for one in samples if one.probe == COST})
    found = {part.removeprefix("of="): rate([one for one in series(samples, "cpu_s", part, begins, ends) if one.probe == COST]) for part in parts}
    found["answering-postgresql"] = rate(series(samples, "answering_cpu_s", "", begins, ends))
    return {name: round(value, 5) for name, value in found.items() if value is not None}

"""Why a run says nothing: reasons in how it went, and in its samples. Pure; none is a verdict on the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from loadtest.generator import Generated
from loadtest.samples import COST, Sample, peak, rate, series
from vm.lab import CORE

SUPPORT_BUSY = 0.7
"""Share of the support cores' time above which the run may have measured them."""
NOISY = 0.1
"""Share of the host's CPU time that others may take, before the run and during it."""
STOLEN = 0.02
"""Share of the host's CPU time that its own hypervisor may give to others."""
PROBE_COST = 0.01
"""Share of one core that probing may take."""


def noise(samples: list[Sample], begins: float, ends: float) -> float:
    """Share of the host's CPU time that neither the lab's machines nor generator and harness took, 0 to 1."""
    busy = rate(series(samples, "busy_s", "cpu=all", begins, ends)) or 0.0
    mine = sum(rate(series(samples, "cpu_s", f"machine={kind}", begins, ends)) or 0.0 for kind in CORE)
    mine += rate(series(samples, "cpu_s", "machine=harness", begins, ends)) or 0.0
    return max(0.0, busy - mine) / (os.cpu_count() or 1)


def support_busy(samples: list[Sample], cpus: list[int], begins: float, ends: float) -> float:
    """The share of their time in which the support cores were busy, 0 to 1."""
    shares = [rate(series(samples, "busy_s", f"cpu={number}", begins, ends)) or 0.0 for number in cpus]
    return sum(shares) / len(shares) if shares else 0.0


def of_run(
    found: Generated, *, gaps: int, busy: float, noise: float, own_cores: bool, accelerator: str, warm: bool
) -> tuple[str, ...]:  # fmt: skip
    """Why a run's figures are not to be trusted; empty when they are. gaps: times that the event stream broke off by itself.

    warm: the machine settled.
    """
    reasons = list(found.unsound)
    if gaps:
        reasons.append(f"Icinga's event stream broke off {gaps} times")
    if not own_cores:
        reasons.append("the monitor has no cores of its own on this host")
    if not warm:
        reasons.append("the machine did not settle: its CPU rate still drifts when the warm-up has to end")
    if busy > SUPPORT_BUSY:
        reasons.append(f"the support cores were busy for {busy:.0%} of the time")
    if noise > NOISY:
        reasons.append(f"others took {noise:.0%} of the host's CPU time")
    if accelerator == "tcg":
        reasons.append("an emulated CPU's times are not representative")
    return tuple(reasons)


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


def of_puppetdb(counted: Mapping[str, float]) -> tuple[str, ...]:
    """What PuppetDB's counters say against a load, from measuring.of_puppetdb."""
    if not counted:
        return ()
    reasons = []
    if (seen := counted["puppetdb_commands_seen"]) < (sent := counted["puppetdb_commands_sent"]):
        reasons.append(f"PuppetDB saw {seen:.0f} of {sent:.0f} commands that the fleet's Puppet runs sent")
    if (discarded := counted["puppetdb_commands_discarded"]) > 0:
        reasons.append(f"PuppetDB discarded {discarded:.0f} commands")
    if (left := counted["puppetdb_queue_depth"]) > 0:
        reasons.append(f"PuppetDB's queue did not drain: {left:.0f} commands more than before")
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

"""When a simulated check's results are due. Pure: one seed gives the same times at every start."""

from __future__ import annotations

import math

from provision.plausible import fraction


def phase(seed: int, host: str, title: str, interval_s: float) -> float:
    """Seconds by which a check's planned times lie after the multiples of its interval."""
    return fraction(seed, f"{host}!{title}") * interval_s


def slot(now: float, phase_s: float, interval_s: float) -> int:
    """The number of the latest planned time that is not after now (epoch seconds)."""
    return math.floor((now - phase_s) / interval_s)


def due(n: int, phase_s: float, interval_s: float) -> float:
    """The n-th planned time, in epoch seconds."""
    return n * interval_s + phase_s


def prompt_delay(seed: int, host: str, title: str, prompt_s: float) -> float:
    """Seconds after connecting at which a check sends its first result, spread so that hosts do not burst."""
    return fraction(seed, f"prompt!{host}!{title}") * prompt_s

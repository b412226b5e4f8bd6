"""What happens in the midst of a run: Puppet runs that end in time, and those that are cut."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from loadtest import objectives
from loadtest.rig import Rig
from loadtest.scenarios import Length
from loadtest.scenarios.collect import LONGEST_S, collect
from provision.puppet_run import CUT, PuppetRun


def rig(seconds: Sequence[float], asked: list[tuple[str, float]]) -> Rig:
    """A rig's double, whose Puppet runs take so long unless they are cut."""
    left = list(seconds)

    def agent_run(kind: str, *, cut_s: float) -> PuppetRun:
        asked.append((kind, cut_s))
        takes = left.pop(0)
        return PuppetRun(seconds=min(takes, cut_s), exit_code=CUT if takes > cut_s else 0, resources=900, changed=0, failed=0, compile_s=1)

    return cast(Rig, SimpleNamespace(work=SimpleNamespace(agent_run=agent_run)))


@pytest.mark.parametrize(
    ("length", "takes", "value", "repeats"),
    [
        ("short", [20], 20, 1),
        ("full", [20, 25, 22], 22, 3),
        ("short", [1000], LONGEST_S, 1),
        ("full", [1000], LONGEST_S, 1),
        ("full", [29, 1000], LONGEST_S, 2),
        ("full", [29, 28, 1000], 29, 3),
    ],
)
def test_collecting_runs_are_measured_and_none_is_begun_after_one_that_is_cut(length: Length, takes: list[float], value: float, repeats: int) -> None:
    asked: list[tuple[str, float]] = []
    found = collect(rig(takes, asked), length)
    assert asked == [("monitor", LONGEST_S)] * repeats
    assert found["collect_s"].value == value
    assert found["collect_s"].repeats == repeats


def test_a_cut_run_breaks_the_objective() -> None:
    assert not objectives.COLLECTING.met_by(LONGEST_S)

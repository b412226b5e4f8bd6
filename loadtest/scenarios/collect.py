"""The monitor's own Puppet run collects the fleet's exported resources while results come in."""

from __future__ import annotations

from loadtest import objectives
from loadtest.estimate import Estimate
from loadtest.rig import Rig
from loadtest.scenarios import Length, Scenario, steady
from provision.puppet_run import CUT, PuppetRun

LONGEST_S = 4 * objectives.COLLECTING.target
"""A run is ended then and counts as that long: a machine that thrashes would hold it for the better part of an hour."""


def collect(rig: Rig, length: Length) -> dict[str, Estimate]:
    """One unchanged run of the monitor's agent (three at full length, unless one is cut), in seconds."""
    runs: list[PuppetRun] = []
    for _ in range(1 if length == "short" else 3):
        runs.append(rig.work.agent_run("monitor", cut_s=LONGEST_S))
        if runs[-1].exit_code == CUT:
            break
    seconds = sorted(run.seconds for run in runs)
    return {
        "collect_s": Estimate(value=seconds[len(seconds) // 2], low=seconds[0], high=seconds[-1], repeats=len(seconds)),
        "collecting_changed": Estimate.exact(sum(run.changed for run in runs)),
    }


SCENARIO = Scenario(
    name="collect",
    what="the monitor collects exported resources while results come in",
    load=steady.load,
    objectives=(objectives.COLLECTING, objectives.UNDISTURBED, objectives.GOODPUT, *objectives.ALWAYS),
    seconds={"short": 60, "full": 180},
    event=collect,
)

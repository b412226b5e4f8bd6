"""A lab that is cut at every stage converges by the same command; cut once more, it is destroyed without a trace.

The lab is one of its own beside the tests' lab, which must not notice.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import CHECKOUT, INVOKE, TAG, invoke
from tests.acceptance.inventory import traces
from vm import lab as labs

pytestmark = pytest.mark.project

CUT = labs.of_name(f"cut-{TAG}")
COMMAND = [INVOKE, "provision", "--driver", "container", "--hosts", "2", "--lab", CUT.name, "--json"]
LOG = CUT.directory / "log" / "provision.log"
BEGINS = re.compile(r"stage (.+) begins$", re.M)
ENDS = re.compile(r"watchpost +\d+ s  (.+): [\d.]+ s(?: \(.*\))?$", re.M)
SIGNALS = (signal.SIGKILL, signal.SIGINT)
# "agents" is over within milliseconds: the cuts before it and in "ready", after it, are what can be aimed at
STAGES = {"network", "start fleet", "start puppet", "deploy", "puppet server", "start monitor", "certificates", "hosts", "fleet services", "monitor", "monitor again", "ready"}
MOST = 40
"""Runs after which it must have converged: every stage is cut once, and there are fewer than 20."""
RANDOM_KILLS = 10


def start(*more: str) -> subprocess.Popen[str]:
    """The user's command, in a session of its own, so that a signal meets it alone."""
    return subprocess.Popen(
        [*COMMAND, *more], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def under_way(since: int) -> set[str]:
    """Stages that began in the log after a position and did not end; two threads run them side by side."""
    told = LOG.read_text()[since:] if LOG.exists() else ""
    return set(BEGINS.findall(told)) - set(ENDS.findall(told))


def cut_in_new_stage(already: set[str], number: int) -> tuple[int, str, str, set[str]]:
    """Run until a stage begins that was not cut before, and cut it; exit code, both outputs, the stages that the cut met."""
    since = len(LOG.read_text()) if LOG.exists() else 0
    process = start()
    stages: set[str] = set()
    while process.poll() is None and not stages - already:
        stages = under_way(since)
        time.sleep(0.01)
    if stages - already:
        time.sleep(0.15)  # into the stage, not before it
        stages |= under_way(since)  # the other thread's too
        process.send_signal(SIGNALS[number % len(SIGNALS)])
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err, stages


def undo(missed: set[str]) -> None:
    """Have these stages done once more: they were over before the signal that was meant for the other thread's stage came."""
    path = CUT.records / "stages.json"
    record = json.loads(path.read_text())
    record["done"] = {name: digest for name, digest in record["done"].items() if name not in missed}
    path.write_text(json.dumps(record))


@pytest.fixture(scope="module")
def cut_lab(lab: Any) -> Iterator[labs.Lab]:
    """The name of a lab that does not exist yet; destroyed at the end."""
    invoke("destroy", "--yes", "--lab", CUT.name)
    assert traces(CUT) == []
    try:
        yield CUT
    finally:
        invoke("destroy", "--yes", "--lab", CUT.name)


def is_live(out: str) -> bool:
    found = json.loads(out)
    return bool(found["hosts"]["up"] == 2 and found["endpoints_connected"] == 2)


def test_cut_at_every_stage_it_converges(cut_lab: labs.Lab) -> None:
    cut: dict[str, int] = {}
    for number in range(MOST):
        code, out, err, stages = cut_in_new_stage(set(cut), number)
        assert "Traceback" not in err, err[-2000:]
        if code == 0 and (missed := STAGES - set(cut)):
            undo(missed)
            continue
        if code == 0:
            break
        assert stages - set(cut), err[-2000:]  # nobody cut it: it failed by itself
        cut |= dict.fromkeys(stages, number)
        if SIGNALS[number % len(SIGNALS)] is signal.SIGINT:
            assert code == 130 and "the same command again goes on from here" in err, (code, err[-500:])
    assert code == 0 and is_live(out)
    assert set(cut) >= STAGES, STAGES - set(cut)


@pytest.mark.thorough
def test_killed_at_random_times_it_converges(cut_lab: labs.Lab) -> None:
    draw = random.Random("cuts")
    for _ in range(RANDOM_KILLS):
        process = start("--converge")
        time.sleep(draw.uniform(0.5, 12))
        process.kill()
        process.communicate(timeout=60)
    process = start()
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err[-2000:]
    assert is_live(out)
    assert json.loads(out)["stages"], "the kills left nothing to do: they proved nothing"


def test_two_labs_do_not_meet(lab: Any, cut_lab: labs.Lab) -> None:
    mine = lab.status()
    assert mine["hosts"]["up"] == len(lab.hosts) and mine["endpoints_connected"] == len(lab.hosts)
    assert all(mine["machines"].values())
    assert not cut_lab.network.overlaps(lab.lab.network) and cut_lab.bridge != lab.lab.bridge


def test_cut_and_destroyed_it_leaves_nothing_and_the_other_lab_everything(lab: Any, cut_lab: labs.Lab) -> None:
    process = start("--converge")
    time.sleep(4)
    process.kill()
    process.communicate(timeout=60)
    assert traces(cut_lab), "the search itself finds nothing"
    before = [one.split(" ")[0] for one in traces(lab.lab)]
    assert invoke("destroy", "--yes", "--lab", cut_lab.name).returncode == 0
    assert traces(cut_lab) == []
    assert [one.split(" ")[0] for one in traces(lab.lab)] == before
    assert all(lab.status()["machines"].values())

"""A live `size`: cut by Ctrl-C it keeps its finished runs and goes on from there; its quick answer is a labelled estimate.

The lab is one that `size` makes for itself, beside the tests' lab.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.sizing.ledger import Ledger
from tests.acceptance.conftest import CHECKOUT, INVOKE, TAG, invoke
from tests.acceptance.inventory import traces
from vm import lab as labs
from vm.wait import wait_until

pytestmark = [pytest.mark.project, pytest.mark.thorough]

SIZED = labs.of_name(f"size-{TAG}")


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No lab before and none afterwards."""
    invoke("destroy", "--yes", "--lab", SIZED.name)
    try:
        yield
    finally:
        invoke("destroy", "--yes", "--lab", SIZED.name)
        assert traces(SIZED) == []


def test_a_quick_size_is_cut_and_goes_on(nothing_left: None, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    words = ["size", "--quick", "--hosts", "5", "--runs", str(runs), "--lab", SIZED.name, "--json"]
    process = subprocess.Popen(
        [INVOKE, *words], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_until(lambda: process.poll() is not None or Ledger(runs).all(), reason="a finished run", deadline_s=900, interval_s=1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in err, err[-2000:]
    assert "the same command again goes on from here" in err
    (kept,) = Ledger(runs).all()
    done = invoke(*words)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["verdict"] == "estimate", found
    assert any("estimate" in one for one in found["caveats"]) and found["passing_run"] is None and found["memory_mib"] >= 256
    made = {one.run.name: one.run for one in Ledger(runs).all()}
    assert made[kept.run.name].began_at == kept.run.began_at and len([run for run in made.values() if run.verdict != "invalid"]) == 4

"""The verdict on what the generator's agents cost; the bench itself runs real ones."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.agents_bench import judged
from loadtest.generator import Generated
from loadtest.latency import Latencies
from loadtest.load_spec import KindResult


def found(cores: float = 0.04, sent: int = 500, failed: int = 0, late_s: float = 0.001) -> Generated:
    """What a generator with 50 agents tells."""
    latency = Latencies()
    for _ in range(sent):
        latency.record(late_s)
    kind = KindResult(planned=500, sent=sent, answered=sent - failed, failed=failed, latency=latency.encoded(), send_lag=latency.encoded(), errors={})
    return Generated(began_at=0, seconds=30, cpu_ratio=cores, kinds={"result": kind}, locust=[], unsound=())


BEFORE = {"results": 0, "peers": 50, "connections": 50, "cpu_s": 1.0}
AFTER = {"results": 500, "peers": 50, "connections": 50, "cpu_s": 1.3}


def test_cheap_agents_whose_results_all_arrive_meet_the_targets() -> None:
    line = judged(50, found(), BEFORE, AFTER)
    assert line.missed == () and (line.sent, line.received, line.sink_cores) == (500, 500, pytest.approx(0.01))


@pytest.mark.parametrize(
    ("words", "after", "reason"),
    [
        ({"cores": 0.06}, {}, "of a core"),
        ({"failed": 3}, {}, "could not be sent"),
        ({"late_s": 0.2}, {}, "late"),
        ({}, {"results": 499}, "received 499 of 500"),
        ({"sent": 499}, {"results": 500}, "received 500 of 499"),
        ({}, {"peers": 49}, "49 of 50 agents"),
    ],
)
def test_each_target_can_be_missed(words: dict[str, Any], after: dict[str, float], reason: str) -> None:
    missed = judged(50, found(**words), BEFORE, AFTER | after).missed
    assert len(missed) == 1 and reason in missed[0]


def test_a_thousand_agents_may_take_a_core() -> None:
    assert judged(1000, found(cores=0.9), BEFORE, AFTER | {"peers": 1000}).missed == ()

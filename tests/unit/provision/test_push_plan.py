"""Planned times and seeded outcomes are pure: the same seed, the same fleet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.plausible import SHAPES, fraction, outcome, state_at
from provision.protocol.icinga import State
from provision.push_plan import due, phase, prompt_delay, slot
from provision.pusher_spec import Kind, StateModel


@given(st.integers(0, 2**31), st.text(max_size=20), st.floats(1, 7200), st.floats(1.7e9, 1.9e9))
def test_the_planned_time_before_now_is_at_most_one_interval_old(
    seed: int, title: str, interval_s: float, now: float
) -> None:
    offset = phase(seed, "host", title, interval_s)
    assert 0 <= offset < interval_s
    age = now - due(slot(now, offset, interval_s), offset, interval_s)
    assert -0.001 <= age <= interval_s + 0.001


def test_phases_and_prompt_results_are_spread() -> None:
    phases = [phase(7, f"host-{n}", "load", 60) for n in range(600)]
    per_slot = [sum(1 for value in phases if low <= value < low + 6) for low in range(0, 60, 6)]
    assert min(per_slot) > 30 and max(per_slot) < 90
    delays = [prompt_delay(7, f"host-{n}", "load", 8) for n in range(200)]
    assert 0 <= min(delays) < 1 and 7 < max(delays) < 8


def test_neighbouring_numbers_are_not_alike() -> None:
    values = [fraction(1, "a!b", n) for n in range(1000)]
    assert len(set(values)) == 1000
    assert 0.45 < sum(values) / 1000 < 0.55
    assert fraction(1, "a!b", 5) == values[5] != fraction(2, "a!b", 5)


@given(st.integers(0, 1000), st.integers(2, 30))
def test_soft_failures_never_come_twice_in_a_row(seed: int, every: int) -> None:
    model = StateModel(kind="soft", every=every)
    states = [state_at(model, seed, "a!b", n) for n in range(every * 4)]
    assert sum(state != State.OK for state in states) == 4
    assert all(State.OK in pair for pair in zip(states, states[1:], strict=False))


def test_each_kind_does_what_it_says() -> None:
    def run(kind: Kind) -> list[State]:
        return [outcome(StateModel(kind=kind, every=5), 3, "h", "load", n).state for n in range(200)]

    assert set(run("ok")) == {State.OK}
    hard = run("hard")
    assert set(hard[:5]) == {State.OK} and State.OK not in hard[5:10]
    flapping = run("flapping")
    assert sum(a != b for a, b in zip(flapping, flapping[1:], strict=False)) > 60
    assert outcome(StateModel(kind="late", late_s=9), 3, "h", "load", 1).delay_s == 9
    assert outcome(StateModel(kind="mute"), 3, "h", "load", 1).mute
    assert len(outcome(StateModel(kind="huge", output_kib=2), 3, "h", "load", 1).output) == 2048


@pytest.mark.parametrize("title", [words[0] for words, _, _ in SHAPES] + ["anything {0} else"])
def test_every_shape_prints_output_and_perfdata_with_its_state(title: str) -> None:
    found = outcome(StateModel(), 1, "host", title, 3)
    assert "OK" in found.output and "{" not in found.output.replace(title.upper(), "")
    assert found.perfdata and all("=" in word and " " not in word for word in found.perfdata)
    assert found == outcome(StateModel(), 1, "host", title, 3)

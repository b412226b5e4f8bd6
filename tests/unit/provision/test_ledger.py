"""A stage is done once for its inputs, again when they or its result change, and never half."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.ledger import Ledger
from vm.progress import Stages


def open_ledger(path: Path, *, force: bool = False) -> Ledger:
    """The ledger as a new command finds it."""
    return Ledger(path / "stages.json", Stages(), force=force)


@pytest.fixture
def done() -> list[str]:
    """What was really done."""
    return []


@pytest.fixture
def act(done: list[str]) -> Callable[[], object]:
    """A stage's action."""
    return lambda: done.append("x")


def test_the_same_inputs_are_done_once(tmp_path: Path, done: list[str], act: Callable[[], object]) -> None:
    ledger = open_ledger(tmp_path)
    assert ledger.step("network", {"a": 1, "b": 2}, act) is True
    assert ledger.step("network", {"b": 2, "a": 1}, act) is False
    assert open_ledger(tmp_path).step("network", {"a": 1, "b": 2}, act) is False
    assert done == ["x"]


def test_other_inputs_are_done_again_and_remembered(tmp_path: Path, done: list[str], act: Callable[[], object]) -> None:
    ledger = open_ledger(tmp_path)
    assert [ledger.step("network", inputs, act) for inputs in (1, 2, 2, 1)] == [True, True, False, True]
    assert len(done) == 3


def test_stages_do_not_know_of_each_other(tmp_path: Path, done: list[str], act: Callable[[], object]) -> None:
    ledger = open_ledger(tmp_path)
    assert [ledger.step(name, 1, act) for name in ("one", "two", "one")] == [True, True, False]
    assert ledger.step("two", 2, act) is True
    assert open_ledger(tmp_path).step("one", 1, act) is False
    assert len(done) == 3


def test_a_stage_that_fails_is_not_done(tmp_path: Path, done: list[str], act: Callable[[], object]) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    ledger = open_ledger(tmp_path)
    ledger.step("network", 1, act)
    with pytest.raises(ZeroDivisionError):
        ledger.step("network", 2, fail)
    assert "network" not in open_ledger(tmp_path).done
    assert open_ledger(tmp_path).step("network", 1, act) is True, "what was before may be half undone by now"
    assert len(done) == 2


def test_a_stage_that_is_killed_is_not_done(tmp_path: Path, act: Callable[[], object]) -> None:
    seen: list[dict[str, str]] = []
    ledger = open_ledger(tmp_path)
    ledger.step("network", 1, act)
    assert "network" in open_ledger(tmp_path).done
    ledger.step("network", 2, lambda: seen.append(open_ledger(tmp_path).done))
    assert seen == [{}], "while it runs, the file says that it is not done"


def test_a_result_that_lives_no_more_is_made_again(tmp_path: Path, done: list[str], act: Callable[[], object]) -> None:
    ledger = open_ledger(tmp_path)
    ledger.step("agents", 1, act)
    assert ledger.step("agents", 1, act, live=lambda: True) is False
    assert ledger.step("agents", 1, act, live=lambda: False) is True
    assert len(done) == 2


def test_whether_it_lives_is_asked_of_known_results_alone(tmp_path: Path, act: Callable[[], object]) -> None:
    asked: list[int] = []

    def live() -> bool:
        asked.append(1)
        return True

    ledger = open_ledger(tmp_path)
    assert ledger.step("agents", 1, act, live=live) is True and asked == []
    assert ledger.step("agents", 1, act, live=live) is False and asked == [1]


def test_force_does_everything(tmp_path: Path, done: list[str], act: Callable[[], object]) -> None:
    open_ledger(tmp_path).step("network", 1, act)
    assert open_ledger(tmp_path, force=True).step("network", 1, act) is True
    assert len(done) == 2


def test_times_and_remarks_are_kept_for_what_was_done(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.step("hosts", 1, lambda: "20 hosts")
    ledger.step("hosts", 1, lambda: "never said")
    assert [(time.name, time.note) for time in ledger.stages.times] == [("hosts", "20 hosts")]


@pytest.mark.parametrize("text", ["", "{", '{"done": {"network": 7}}', '{"colour": "red"}'])
def test_an_unreadable_ledger_does_everything_again(tmp_path: Path, text: str, act: Callable[[], object]) -> None:
    open_ledger(tmp_path).step("network", 1, act)
    (tmp_path / "stages.json").write_text(text)
    assert open_ledger(tmp_path).step("network", 1, act) is True
    assert open_ledger(tmp_path).step("network", 1, act) is False


def test_threads_lose_nothing(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait(10)
        ledger.step(f"stage {number}", number, lambda: None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(open_ledger(tmp_path).done) == {f"stage {number}" for number in range(8)}


def test_what_is_changed_for_a_while_counts_as_done_again_only_once_it_was_put_back(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "stages.json", Stages())
    ledger.mark("hosts", "digest")
    with ledger.undone("hosts", "never done"):
        assert "hosts" not in Ledger(tmp_path / "stages.json", Stages()).done
    assert Ledger(tmp_path / "stages.json", Stages()).done == {"hosts": "digest"}
    with pytest.raises(ZeroDivisionError), ledger.undone("hosts"):
        raise ZeroDivisionError
    assert "hosts" not in ledger.done

"""What is made weaker is written down before it is done, and taken back wherever it was cut."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from provision import weakened
from vm.command import Result, run
from vm.lab import Lab

COMMAND = ("systemctl", "reload", "one.service")
TEXTS = {"/etc/new.conf": "weak", "/etc/old.conf": "weaker"}


class Local:
    """A machine that is a directory here; it dies before its Nth command."""

    def __init__(self, root: Path, dies_at: int = 10**6) -> None:
        self.root = root
        self.left = dies_at
        self.done: list[tuple[str, ...]] = []

    def run(self, argv: Sequence[str], *, check: bool = True) -> Result:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        words = tuple(map(str, argv))
        self.done.append(words)
        if words == COMMAND:
            return Result(words, 0, "", "")
        return run([f"{self.root}{word}" if word.startswith("/") else word for word in words], check=check)

    def write(self, path: str, data: str, *, mode: str, owner: str) -> None:
        self.run(["true"])
        Path(f"{self.root}{path}").write_text(data)
        Path(f"{self.root}{path}").chmod(int(mode, 8))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr("vm.lab.STATE", tmp_path / "state")
    return Lab(name="x", network=IPv4Network("10.0.0.0/22"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with one of the two files."""
    folder = tmp_path / "machine"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/old.conf").write_text("strong")
    (folder / "etc/old.conf").chmod(0o640)
    return folder


def on(machine: Local) -> Any:
    """A machine as the functions take it."""
    return machine


def files(root: Path) -> dict[str, tuple[str, int]]:
    return {path.name: (path.read_text(), path.stat().st_mode & 0o777) for path in (root / "etc").iterdir()}


def test_it_is_known_while_it_lasts_and_then_all_is_as_it_was(lab: Lab, root: Path) -> None:
    machine, before = Local(root), files(root)
    one = weakened.plan(on(machine), "monitor", "all of it", TEXTS, COMMAND)
    assert (one.added, one.changed) == (("/etc/new.conf",), ("/etc/old.conf",))
    weakened.begin(lab, on(machine), one, TEXTS)
    assert weakened.known(lab) == (one,) and files(root) == {"new.conf": ("weak", 0o640), "old.conf": ("weaker", 0o640)}
    weakened.restore(on(machine), one)
    assert weakened.known(lab) == (one,), "until the daemon has read it"
    weakened.end(lab, one)
    assert weakened.known(lab) == () and files(root) == before and not any((root / "var/lib/watchpost-weakened").iterdir())


def test_wherever_it_was_cut_it_is_taken_back(lab: Lab, root: Path) -> None:
    before, spoiled = files(root), 0
    one = weakened.plan(on(Local(root)), "monitor", "all of it", TEXTS, COMMAND)
    for cut in range(20):
        try:
            weakened.begin(lab, on(Local(root, cut)), one, TEXTS)
        except KeyboardInterrupt:
            assert weakened.known(lab) == (one,), "known from the first moment"
            spoiled += files(root) != before
        else:
            break
        for again in (cut % 4, 10**6):  # that taking it back is cut too does no harm
            try:
                weakened.take_back(lab, "monitor", on(Local(root, again)))
            except KeyboardInterrupt:
                continue
        assert weakened.known(lab) == () and files(root) == before, cut
    assert cut > 5 and spoiled, "some cut left something weak"


def test_one_file_may_be_made_weaker_twice(lab: Lab, root: Path) -> None:
    before = files(root)

    def again(text: str) -> weakened.Weakening:
        texts = {"/etc/old.conf": text}
        one = weakened.plan(on(Local(root)), "monitor", "all of it", texts, COMMAND)
        weakened.begin(lab, on(Local(root)), one, texts)
        return one

    again("weak")
    inner = again("weaker")
    weakened.restore(on(Local(root)), inner)
    weakened.end(lab, inner)
    assert files(root) == {"old.conf": ("weak", 0o640)}
    again("weaker still")
    assert len(weakened.known(lab)) == 2
    weakened.take_back(lab, "monitor", on(Local(root)))
    assert weakened.known(lab) == () and files(root) == before


def test_the_daemon_is_told_and_other_machines_are_left_alone(lab: Lab, root: Path) -> None:
    one = weakened.plan(on(Local(root)), "monitor", "all of it", TEXTS, COMMAND)
    weakened.begin(lab, on(Local(root)), one, TEXTS)
    puppet, machine = Local(root), Local(root)
    assert weakened.take_back(lab, "puppet", on(puppet)) == () and puppet.done == []
    assert weakened.take_back(lab, "monitor", on(machine)) == ("all of it",) and machine.done[-1] == COMMAND


def test_what_was_weak_on_a_machine_made_anew_is_forgotten(lab: Lab, root: Path) -> None:
    one = weakened.plan(on(Local(root)), "monitor", "all of it", TEXTS, COMMAND)
    weakened.begin(lab, on(Local(root)), one, TEXTS)
    weakened.forget(lab, "puppet")
    assert weakened.known(lab) == (one,)
    weakened.forget(lab, "monitor")
    assert weakened.known(lab) == ()

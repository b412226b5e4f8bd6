"""A service that ended is found by one look and brought back by its stage; what nobody remembers is looked at anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from provision import enrolment, puppet_run, puppet_server, units
from provision.ledger import Ledger
from provision.ssh import Machine
from provision.stages import Work, fleet, monitor
from vm import lab
from vm.command import Result
from vm.errors import WatchpostError
from vm.progress import Stages

STATES = {"nginx.service": "enabled", "postgresql@15-main.service": "enabled-runtime", "dbus.service": "static", "user@0.service": ""}


@dataclass
class Systemd:
    """A machine whose systemd knows a few services."""

    states: dict[str, str] = field(default_factory=lambda: dict.fromkeys(STATES, "active"))
    starts_later: tuple[str, ...] = ()
    """Services that are not looked at before the machine has started."""

    def run(self, argv: Sequence[str], **_: Any) -> Result:
        if "is-system-running" in argv:
            self.states |= dict.fromkeys(self.starts_later, "active")
            return Result(tuple(argv), 0, "running\n", "")
        verb, names = argv[1], [word for word in argv[2:] if not word.startswith("--")]
        if verb == "list-units":
            out = "".join(f"{name} loaded active running It\n" for name, state in self.states.items() if state == "active")
        elif verb == "show":
            out = "\n\n".join(f"Id={name}\nUnitFileState={STATES[name]}" for name in names) + "\n"
        elif verb == "is-active":
            out = "".join(f"{self.states[name]}\n" for name in names)
        else:
            self.states |= dict.fromkeys(names, "active")
            out = ""
        return Result(tuple(argv), 0, out, "")

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> lab.Lab:
    monkeypatch.setattr(lab, "STATE", tmp_path)
    return lab.of_name("unit-none")


def test_what_starts_with_the_machine_is_remembered_and_missed(one: lab.Lab) -> None:
    systemd = Systemd()
    machine = cast(Machine, systemd)
    assert units.ended(one, "fleet", machine) is None, "nothing is remembered yet"
    units.keep(one, "fleet", machine)
    assert units.ended(one, "fleet", machine) == ()
    systemd.states |= {"dbus.service": "inactive", "user@0.service": "inactive"}
    assert units.ended(one, "fleet", machine) == (), "these come and go"
    systemd.states |= {"nginx.service": "failed", "postgresql@15-main.service": "inactive"}
    assert units.ended(one, "fleet", machine) == ("nginx.service", "postgresql@15-main.service")
    assert units.start_ended(one, "fleet", machine) == ", nginx, postgresql@15-main had ended"
    assert units.ended(one, "fleet", machine) == () and units.start_ended(one, "fleet", machine) == ""


def test_a_machine_that_is_still_starting_has_lost_nothing(one: lab.Lab) -> None:
    systemd = Systemd()
    units.keep(one, "fleet", cast(Machine, systemd))
    systemd.states["nginx.service"], systemd.starts_later = "inactive", ("nginx.service",)
    assert units.start_ended(one, "fleet", cast(Machine, systemd)) == ""


def test_one_that_is_starting_is_left_alone(one: lab.Lab) -> None:
    systemd = Systemd()
    units.keep(one, "fleet", cast(Machine, systemd))
    systemd.states["nginx.service"] = "activating"
    assert units.ended(one, "fleet", cast(Machine, systemd)) == ()


@pytest.mark.parametrize("kind", ["fleet", "monitor"])
def test_a_stage_brings_back_what_ended(one: lab.Lab, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    systemd, stages = Systemd(), Stages()
    runs: list[str] = []
    done = puppet_run.PuppetRun(seconds=1, exit_code=0, resources=9, changed=0, failed=0, compile_s=1)

    class Plan:
        code, files, agents = "c", {"lab.yaml": ""}, ()

    work = Work(one, cast(Any, Plan), Ledger(one.records / "stages.json", stages), stages, cast(Any, None))
    monkeypatch.setattr(Work, "connect", lambda *_: systemd)
    monkeypatch.setattr(Work, "agent_run", lambda _, kind, *__: runs.append(kind) or done)
    monkeypatch.setattr(fleet.puppet, "free_names", lambda *_: None)

    class Words:
        collect_mode, puppet_environment = "query", "production"

    def provision() -> list[str]:
        stages.times.clear()
        fleet.converge(work) if kind == "fleet" else monitor.converge(work, cast(Any, Words), lambda: None)
        return [time.note for time in stages.times]

    provision()
    assert provision() == [], "again: nothing to do"
    systemd.states["nginx.service"] = "failed"
    runs.clear()
    (note,) = provision()
    assert "nginx had ended" in note and runs == [kind] and systemd.states["nginx.service"] == "active"
    assert provision() == []


def test_hosts_live_while_puppetdb_has_what_they_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plan:
        nodes, roles = tmp_path, {"a.lab.test": "plain", "b.lab.test": "plain"}

    work = Work(cast(Any, None), cast(Any, Plan), cast(Any, None), cast(Any, None), cast(Any, None))
    monkeypatch.setattr(Work, "connect", lambda *_: Systemd())
    monkeypatch.setattr(puppet_server, "exported", lambda _: {"a.lab.test": 7, "b.lab.test": 7, "gone.lab.test": 1})
    assert not fleet.exports_live(work), "no host has its catalog yet"
    for name in Plan.roles:
        catalog = enrolment.identity(tmp_path, name).catalog
        catalog.parent.mkdir(parents=True, exist_ok=True)
        catalog.touch()
    assert fleet.exports_live(work)
    monkeypatch.setattr(puppet_server, "exported", lambda _: {"a.lab.test": 7})
    assert not fleet.exports_live(work)

    def refuse(_: object) -> dict[str, int]:
        raise WatchpostError("PuppetDB does not answer")

    monkeypatch.setattr(puppet_server, "exported", refuse)
    assert not fleet.exports_live(work)


def test_hosts_that_went_are_taken_out_of_puppetdb_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plan:
        nodes, roles = tmp_path, {"a.lab.test": "plain"}

    for name in ("a.lab.test", "b.lab.test", "harness.lab.test"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key.pem").touch()
    for name in ("a.lab.test", "b.lab.test"):
        (tmp_path / name / "catalog.json").touch()
    work = Work(cast(Any, None), cast(Any, Plan), cast(Any, None), cast(Any, None), cast(Any, None))
    told: list[list[str]] = []
    monkeypatch.setattr(puppet_server, "deactivate", lambda _, names: told.append(list(names)))
    for _ in range(2):
        fleet.forget_removed(work, cast(Machine, None))
    assert told == [["b.lab.test"], []]
    assert (tmp_path / "a.lab.test" / "catalog.json").exists() and (tmp_path / "b.lab.test" / "key.pem").exists()

"""`size` with somebody who makes runs: a stand-in for loadtest/lab_trials.py with the simulated machine behind it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from simulated import Machine

from loadtest import lab_trials, samples
from loadtest.objectives import NO_OOM
from loadtest.run import Load
from loadtest.samples import Sample
from loadtest.sizing import command
from loadtest.sizing.answer import Sizing, answer
from provision.options import Options
from vm.errors import BadInput, WatchpostError
from vm.hosting import HostingSpec
from vm.lab import Lab, of_name

WORDS = {"hosts": "50", "services": "", "growth": "", "budget": "", "quick": False, "full": False, "recorded": ""}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The machine behind a stand-in for the lab; its context is its seed."""
    made = Machine()

    @contextmanager
    def trials(lab: Lab, directory: Path, load: Load) -> Iterator[types.SimpleNamespace]:
        yield types.SimpleNamespace(trial_at=made.at, own=types.SimpleNamespace(options=None))

    monkeypatch.setattr("loadtest.lab_trials.trials", trials)
    monkeypatch.setattr("loadtest.lab_trials.context", lambda made_by: f"seed {made.seed}")
    monkeypatch.setattr(command, "ran_on", lambda own: types.SimpleNamespace(lock_sha256="0" * 64))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    return made


def sized(runs: Path, **words: object) -> Sizing:
    return command.run_size(of_name("unit-none"), **{**WORDS, **words}, runs=str(runs))  # type: ignore[arg-type]


def test_runs_are_made_once_and_told_again_without_anybody_who_makes_them(machine: Machine, tmp_path: Path) -> None:
    first = sized(tmp_path)
    made = len(machine.asked)
    assert answer(first).verdict == "passed" and made == len(first.runs)
    assert answer(sized(tmp_path)) == answer(first) and len(machine.asked) == made
    assert answer(command.recall(of_name("unit-none"), str(tmp_path), "")) == answer(first) and len(machine.asked) == made


def test_a_quick_estimate_is_used_by_the_search_that_follows(machine: Machine, tmp_path: Path) -> None:
    assert answer(sized(tmp_path, quick=True)).verdict == "estimate"
    assert answer(sized(tmp_path)).verdict == "passed"
    assert len(machine.asked) == len(set(machine.asked)), "no run was made twice"


def test_runs_of_another_context_are_made_anew(machine: Machine, tmp_path: Path) -> None:
    sized(tmp_path)
    made = len(machine.asked)
    machine.seed = 2
    sized(tmp_path)
    assert len(machine.asked) >= 2 * made - 10


def test_what_is_tried_and_what_is_known_is_told(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sized(tmp_path)
    told = capsys.readouterr().err
    assert "collect (short) on 0.25 vCPU, 2048 MiB with 50 hosts: 0.0 s (broke collecting run:" in told
    assert "known: 0.5 vCPU, 448 MiB pass, 384 MiB do not; about" in told and "min left" in told
    assert "steady (short) on 0.5 vCPU, 384 MiB with 50 hosts at 0.1 times the load" in told
    assert "2, 4 vCPU can only be predicted" in told


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What labs were to be made with; making one stops there."""
    asked: list[Options] = []

    def stop(lab: Lab, options: Options) -> None:
        asked.append(options)
        raise WatchpostError("made no further")

    monkeypatch.setattr(lab_trials, "raise_held", stop)
    monkeypatch.setattr(lab_trials.checks, "root", lambda words: None)
    monkeypatch.setattr(lab_trials.labs, "hold", lambda lab, words: nullcontext())
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    return asked


def test_a_lab_is_made_with_the_fleet_that_is_sized_where_there_is_none(made: list[Options], tmp_path: Path) -> None:
    with pytest.raises(WatchpostError, match="made no further"):
        sized(tmp_path, hosts="35", services="5")
    assert [(one.hosts, one.services, one.driver) for one in made] == [(35, 5, "container")]
    assert not list(tmp_path.iterdir())


def test_a_lab_whose_monitor_is_a_vm_is_left_alone(made: list[Options], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present = Options(hosts=20, driver="libvirt", spec=HostingSpec(vcpus=1, memory_mib=1024, disk_gib=20))
    monkeypatch.setattr(lab_trials, "find", lambda lab: present)
    with pytest.raises(BadInput, match="runs by libvirt"):
        sized(tmp_path)
    assert not made and not list(tmp_path.iterdir())


def test_a_machine_that_did_not_come_up_boots_anew_before_the_next_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A starved machine's SSH server stayed shut for minutes, and every larger size failed with it."""
    done: list[str] = []
    own = types.SimpleNamespace(options=Options(hosts=20, driver="container", spec=HostingSpec(vcpus=2, memory_mib=2048, disk_gib=20)))

    def become(rig: object, spec: HostingSpec) -> types.SimpleNamespace:
        done.append(f"becomes {spec.memory_mib}")
        if spec.memory_mib < 400:
            raise WatchpostError("cannot be reached")
        return types.SimpleNamespace(options=types.SimpleNamespace(spec=spec))

    monkeypatch.setattr(lab_trials.rig, "rig", lambda lab: own)
    monkeypatch.setattr(lab_trials.machine_size, "become", become)
    monkeypatch.setattr(lab_trials.machine_size, "release", lambda rig: done.append("released"))
    monkeypatch.setattr(lab_trials.container, "stop", lambda lab, kind, orderly: done.append(f"{kind} stops"))
    monkeypatch.setattr(lab_trials, "raise_held", lambda lab, options: done.append(f"provisioned with {options.spec.memory_mib}"))
    monkeypatch.setattr(lab_trials.ran_on, "measured_units", lambda rig: 100.0)
    whole = Machine().run(own.options.spec, Load(hosts=20, services=5, interval_s=60), "steady", "short", 0)
    monkeypatch.setattr(lab_trials.ran_on, "ran_on", lambda options, **words: whole.ran_on)
    monkeypatch.setattr(lab_trials.trial, "observe", lambda *words, **named: whole)
    made = lab_trials.LabTrials(of_name("unit-none"), tmp_path)
    sizes = [HostingSpec(vcpus=1, memory_mib=memory_mib, disk_gib=20) for memory_mib in (320, 384, 448)]
    verdicts = [made.trial(size, whole.load, "steady", "short", 0).verdict for size in sizes]
    boots = ["released", "monitor stops", "provisioned with 2048"]
    assert verdicts == ["failed", "failed", whole.verdict]
    assert done == ["becomes 320", *boots, "becomes 384", *boots, "becomes 448"]


def test_a_machine_that_breaks_in_the_midst_says_what_was_seen_till_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = types.SimpleNamespace(options=Options(hosts=20, driver="container", spec=HostingSpec(vcpus=2, memory_mib=2048, disk_gib=20)))
    size = HostingSpec(vcpus=1, memory_mib=448, disk_gib=20)
    whole = Machine().run(size, Load(hosts=20, services=5, interval_s=60), "reload", "short", 0)
    kills: list[float] = []

    def observe(rig: object, *words: object, directory: Path, **named: object) -> None:
        if kills:
            samples.save([Sample(float(at), "groups", "oom_kills", count, "machine=monitor") for at, count in enumerate(kills)], directory / "samples.csv.gz")
        raise WatchpostError("Puppet failed on monitor")

    monkeypatch.setattr(lab_trials.rig, "rig", lambda lab: own)
    monkeypatch.setattr(lab_trials.machine_size, "become", lambda rig, spec: own)
    monkeypatch.setattr(lab_trials.ran_on, "measured_units", lambda rig: 100.0)
    monkeypatch.setattr(lab_trials.ran_on, "ran_on", lambda options, **words: whole.ran_on)
    monkeypatch.setattr(lab_trials.trial, "observe", observe)

    def broke() -> tuple[list[str], str]:
        found = lab_trials.LabTrials(of_name("unit-none"), tmp_path).trial(size, whole.load, "reload", "short", 0)
        assert found.verdict == "failed"
        return [one.objective.name for one in found.outcomes if one.verdict == "failed"], found.outcomes[0].objective.resource

    assert broke() == ([lab_trials.LASTS.name], "any")
    kills += [1, 1, 3]
    assert broke() == ([NO_OOM.name, lab_trials.LASTS.name], "memory")

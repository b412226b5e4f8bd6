"""The search on a simulated machine: the smallest size, proof at both edges, noise, invalid runs, and going on after a cut."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import Machine

from loadtest.objective import Objective, Outcome
from loadtest.run import Load, Run
from loadtest.sizing.answer import Sizing, answer
from loadtest.sizing.edge import Edge, prove
from loadtest.sizing.effort import Goal
from loadtest.sizing.judge import EDGE_REPEATS, PROOF_REPEATS
from loadtest.sizing.judgement import judge_scenario
from loadtest.sizing.lattice import STEP_MIB, VCPUS, Cell, below, measurable
from loadtest.sizing.ledger import Asked, Ledger
from loadtest.sizing.request import Request, request
from loadtest.sizing.size import size
from loadtest.sizing.trial import SCENARIOS, SEARCHED, STORM, Length, Trial
from vm.errors import BadInput
from vm.hosting import MIN_MEMORY_MIB, HostingSpec
from vm.progress import Stages

TODAY = datetime.date(2026, 11, 25)


class Quiet(Stages):
    """Stages that say nothing."""

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        yield []


def sized(machine: Machine, folder: Path, request: Request | None = None) -> Sizing:
    """A whole sizing of a simulated machine."""
    return size(request or Request(), Ledger(folder), (), TODAY, machine.at, Quiet())


def carries(machine: Machine, cell: Cell, load: Load) -> bool:
    """What the model says without noise, from every scenario in turn: the truth that a search should find."""
    still = Machine(**{**vars(machine), "noise": 0.0, "invalid": 0.0, "asked": []})
    return all(still.run(cell.spec(20), load, scenario, "full", 0).verdict == "passed" for scenario in SCENARIOS)


def test_the_smallest_size_is_found_and_both_edges_are_proven(tmp_path: Path) -> None:
    machine = Machine()
    found = sized(machine, tmp_path).found
    assert found is not None and found.verdict == "passed" and found.chosen is not None
    load = Request().load
    assert carries(machine, found.chosen, load)
    for edge in found.edges:
        assert edge.proven and edge.cell == below(found.chosen, edge.axis)
        assert edge.cell is not None and not carries(machine, edge.cell, load)
        assert edge.broken is not None and edge.broken.verdict == "failed"
    assert {edge.axis for edge in found.edges} == {"cpu", "memory"}


@pytest.mark.parametrize("away", [Cell(vcpus=0.75, memory_mib=512), Cell(vcpus=0.1, memory_mib=256), Cell(vcpus=1, memory_mib=1024)])
def test_wherever_a_search_starts_it_ends_at_a_size_with_both_edges(tmp_path: Path, away: Cell) -> None:
    """Not always at the same one: less memory may do with more vCPUs. And nothing is looked for by short trials before."""
    machine = Machine(noise=0.0)
    found = sized(machine, tmp_path, Request(start=away)).found
    assert found is not None and found.verdict == "passed" and found.chosen is not None
    assert carries(machine, found.chosen, Request().load)
    assert [edge.proven for edge in found.edges] == [True, True]
    assert not [word for word in machine.asked if word.startswith("people") and word.endswith("-short-0")]


@pytest.mark.parametrize("word", ["0.25", "0.3x512", "0.5x500", "x", "0.5x99999999", "2x512", "nanx512"])
def test_a_start_that_is_no_size_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="--start"):
        request("", "", "", "", quick=False, full=False, base=Request(cores=2), start=word)


def test_the_runs_that_prove_are_not_those_that_searched(tmp_path: Path) -> None:
    sizing = sized(Machine(), tmp_path)
    assert sizing.found is not None and sizing.found.passing is not None
    searched = {name for one in sizing.found.tried if one is not sizing.found.passing for name in one.runs}
    edges = {edge.failing_run for edge in sizing.found.edges}
    assert all(name.endswith(f"-full-{PROOF_REPEATS}") for name in sizing.found.passing.runs)
    assert all(name.endswith(f"-{EDGE_REPEATS}") for name in edges)
    assert not set(sizing.found.passing.runs) & searched


def test_an_edge_that_fails_in_a_short_trial_has_no_full_one(tmp_path: Path) -> None:
    machine = Machine()
    sizing = sized(machine, tmp_path)
    assert sizing.found is not None and len(sizing.found.edges) == 2
    for edge in sizing.found.edges:
        assert edge.cell is not None and edge.failing_run.endswith(f"-short-{EDGE_REPEATS}")
        assert not [word for word in machine.asked if f"-{edge.cell.vcpus:g}-{edge.cell.memory_mib}-" in word and "-full-" in word]


def test_an_edge_begins_with_what_broke_with_as_many_vcpus(tmp_path: Path) -> None:
    class Slow(Machine):
        """Too slow for people below half a vCPU, and for nothing else."""

        def run(self, size: HostingSpec, load: Load, scenario: str, length: Length, repeat: int) -> Run:
            made = super().run(size.model_copy(update={"vcpus": max(size.vcpus, 0.5)}), load, scenario, length, repeat)
            self.asked[-1] = self.asked[-1].replace("-0.5-", f"-{size.vcpus:g}-", 1)
            made = made.model_copy(update={"size": size})
            if scenario != "people" or size.vcpus >= 0.5:
                return made
            broken = Outcome(objective=Objective(name="web", metric="web", bound="at most", target=1, resource="cpu"), value=None, verdict="failed")
            return made.model_copy(update={"outcomes": (broken,), "verdict": "failed"})

    machine = Slow()
    found = sized(machine, tmp_path).found
    assert found is not None and found.chosen is not None and found.chosen.vcpus == 0.5
    edge = [word for word in machine.asked if word.endswith(f"-short-{EDGE_REPEATS}") and "-0.25-" in word and not word.startswith("steady")]
    assert [word.split("-")[0] for word in edge] == ["people"]


def test_an_edge_that_only_full_trials_break_is_proven_by_one(tmp_path: Path) -> None:
    sizing = sized(Leaking(), tmp_path)
    assert sizing.found is not None
    (memory,) = (edge for edge in sizing.found.edges if edge.axis == "memory")
    assert memory.proven and memory.failing_run.endswith(f"-full-{EDGE_REPEATS}")


def test_the_most_vcpus_are_not_tried_where_fewer_pass(tmp_path: Path) -> None:
    machine = Machine()
    assert sized(machine, tmp_path).found is not None
    assert not [word for word in machine.asked if word.startswith("people-1-2048")]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6), noise=st.floats(0, 0.05), hosts=st.integers(21, 50), per_host=st.floats(0.5, 4), cpu=st.floats(0.002, 0.01)
)
def test_whatever_the_machine_the_answer_is_proven_or_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, seed: int, noise: float, hosts: int, per_host: float, cpu: float
) -> None:
    machine = Machine(seed=seed, noise=noise, mib_per_host=per_host, cpu_s_per_result=cpu)
    sizing = sized(machine, tmp_path_factory.mktemp("runs"), Request(hosts=hosts))
    short = answer(sizing)
    if short.verdict != "passed":
        assert short.why
        return
    runs = {run.name: run for run in sizing.runs}
    assert {runs[name].scenario for name in short.passing_runs} == set(SCENARIOS)
    assert all(runs[name].verdict == "passed" and runs[name].size.memory_mib == short.memory_mib for name in short.passing_runs)
    assert {one.axis for one in short.failing_runs} == {"cpu", "memory"}
    for one in short.failing_runs:
        failing, low = runs[one.run], runs[one.low_load_run]
        assert failing.verdict == "failed" and low.verdict == "passed" and low.began_at < failing.began_at
        assert (failing.size.vcpus, failing.size.memory_mib) == (one.vcpus, one.memory_mib)
        steps = (VCPUS.index(short.vcpus or 0) - VCPUS.index(one.vcpus), ((short.memory_mib or 0) - one.memory_mib) // STEP_MIB)
        assert steps == ((1, 0) if one.axis == "cpu" else (0, 1))


@settings(max_examples=15)
@given(hosts=st.integers(1, 150), more=st.integers(0, 50), base=st.floats(100, 900))
def test_more_hosts_never_need_less_memory(tmp_path_factory: pytest.TempPathFactory, hosts: int, more: int, base: float) -> None:
    needed = []
    for count in (hosts, hosts + more):
        machine = Machine(noise=0, mib_base=base)
        sizing = sized(machine, tmp_path_factory.mktemp("runs"), Request(hosts=count, cores=5))
        assert sizing.need is not None
        needed.append((answer(sizing).memory_mib or 0, sizing.need.memory_mib))
    assert needed[0][0] <= needed[1][0] and needed[0][1] <= needed[1][1]


@settings(max_examples=15)
@given(interval=st.floats(5, 600), longer=st.floats(1, 10))
def test_a_longer_interval_never_needs_more_cpu(tmp_path_factory: pytest.TempPathFactory, interval: float, longer: float) -> None:
    needed = []
    for seconds in (interval, interval * longer):
        sizing = sized(Machine(noise=0), tmp_path_factory.mktemp("runs"), Request(interval_s=seconds, cores=5))
        cell = sizing.need.cell if sizing.need else None
        needed.append((answer(sizing).vcpus or 99, cell.vcpus if cell else 99))
    assert needed[0][0] >= needed[1][0] and needed[0][1] >= needed[1][1]


def test_invalid_runs_are_made_again_and_count_neither_way(tmp_path: Path) -> None:
    sizing = sized(Machine(invalid=0.1, seed=5), tmp_path)
    invalid = [run for run in sizing.runs if run.verdict == "invalid"]
    assert invalid and answer(sizing).verdict == "passed"
    assert not {run.name for run in invalid} & {one.run for one in answer(sizing).failing_runs}


def test_the_model_rests_on_two_sound_runs_of_each_fleet(tmp_path: Path) -> None:
    sizing = sized(Machine(invalid=0.3, seed=3), tmp_path)
    small = [run for run in sizing.runs if run.load.hosts in (10, 20)]
    assert [run for run in small if run.verdict == "invalid"]
    counts = {(run.load.hosts, run.scenario): 0 for run in small}
    for run in small:
        counts[run.load.hosts, run.scenario] += run.verdict != "invalid"
    assert set(counts.values()) == {2}


def test_too_many_invalid_runs_make_the_answer_invalid_and_say_why(tmp_path: Path) -> None:
    short = answer(sized(Machine(invalid=1.0), tmp_path))
    assert short.verdict == "invalid" and "support cores" in short.why and short.passing_run is None


def test_a_machine_that_does_not_come_up_below_is_no_proof(tmp_path: Path) -> None:
    class Dead(Machine):
        def run(self, size: HostingSpec, load: Load, scenario: str, length: Length, repeat: int) -> Run:
            made = super().run(size, load, scenario, length, repeat)
            if size.memory_mib >= 448:
                return made
            broken = Outcome(objective=Objective(name="up", metric="up", bound="at least", target=1), value=None, verdict="failed")
            return made.model_copy(update={"outcomes": (broken,), "verdict": "failed"})

    found = sized(Dead(), tmp_path).found
    assert found is not None and found.chosen is not None and found.chosen.memory_mib == 448
    (memory,) = (edge for edge in found.edges if edge.axis == "memory")
    assert not memory.proven and "low load" in memory.why
    assert found.verdict == "invalid" and "memory" in found.why


class Leaking(Machine):
    """Takes more memory in full trials than in short ones."""

    sharp = True

    def run(self, size: HostingSpec, load: Load, scenario: str, length: Length, repeat: int) -> Run:
        base = self.mib_base
        self.mib_base += 60 if length == "full" and (self.sharp or repeat < 20) else 0
        try:
            return super().run(size, load, scenario, length, repeat)
        finally:
            self.mib_base = base


def test_what_only_full_trials_show_is_found_and_still_proven(tmp_path: Path) -> None:
    sizing = sized(Leaking(), tmp_path)
    assert sizing.found is not None and sizing.found.chosen == Cell(vcpus=0.5, memory_mib=512)
    assert answer(sizing).verdict == "passed" and all(edge.proven for edge in sizing.found.edges)


def test_a_size_that_fails_once_and_passes_once_is_no_proof(tmp_path: Path) -> None:
    machine = Leaking()
    machine.sharp = False
    found = sized(machine, tmp_path).found
    assert found is not None and found.chosen == Cell(vcpus=0.5, memory_mib=512)
    assert found.verdict == "invalid" and "not sharp" in found.why


def edge_runs() -> tuple[Cell, Run, Run]:
    """A sound proof: low load passed first, then the load broke it."""
    cell, load = Cell(vcpus=0.25, memory_mib=448), Request().load
    machine = Machine()
    low = machine.run(cell.spec(20), load.model_copy(update={"multiple": 0.1}), "steady", "short", 0)
    return cell, low, machine.run(cell.spec(20), load, "collect", "full", 0)


def test_a_failure_after_a_pass_at_low_load_is_a_proof() -> None:
    cell, low, failing = edge_runs()
    edge = prove("cpu", cell, low, failing)
    assert edge == Edge(
        axis="cpu", cell=cell, low_load_run=low.name, failing_run=failing.name, broken=failing.first_broken(), proven=True, why=""
    )


@pytest.mark.parametrize(
    ("low", "failing", "words"),
    [
        ({"verdict": "failed"}, {}, "not seen to work at low load"),
        ({"verdict": "invalid"}, {}, "not seen to work at low load"),
        ({"load": Request().load}, {}, "not `steady` at low load"),
        ({"scenario": "people"}, {}, "not `steady` at low load"),
        ({"began_at": 9e9}, {}, "came after the failure"),
        ({"size": HostingSpec(vcpus=0.5, memory_mib=448, disk_gib=20)}, {}, "another machine"),
        ({}, {"size": HostingSpec(vcpus=0.25, memory_mib=512, disk_gib=20)}, "another machine"),
        ({}, {"verdict": "passed"}, "no sound run of this machine failed"),
        ({}, {"verdict": "invalid"}, "no sound run of this machine failed"),
        ({}, {"outcomes": ()}, "no sound run of this machine failed"),
    ],
)
def test_what_lacks_anything_is_no_proof(low: dict[str, object], failing: dict[str, object], words: str) -> None:
    cell, sound, broke = edge_runs()
    edge = prove("cpu", cell, sound.model_copy(update=low), broke.model_copy(update=failing))
    assert not edge.proven and words in edge.why


def test_without_a_run_at_low_load_nothing_is_proven() -> None:
    cell, _, failing = edge_runs()
    assert not prove("cpu", cell, None, failing).proven


@pytest.mark.parametrize(
    ("repeats", "verdicts", "verdict", "made"),
    [
        (1, "p", "passed", 1), (1, "f", "failed", 1), (1, "ip", "passed", 2), (1, "iii", "invalid", 3),
        (3, "pp", "passed", 2), (3, "ff", "failed", 2), (3, "fpp", "passed", 3), (3, "pff", "failed", 3), (3, "pifp", "passed", 4),
    ],
)  # fmt: skip
def test_trials_are_made_until_their_number_decides(repeats: int, verdicts: str, verdict: str, made: int) -> None:
    names = {"p": "passed", "f": "failed", "i": "invalid"}
    cell = Cell(vcpus=1, memory_mib=512)
    base = Machine().run(cell.spec(20), Request().load, "steady", "short", 0)
    found = judge_scenario(
        cell, "steady", Goal(length="short", repeats=repeats), lambda n: base.model_copy(update={"name": f"r{n}", "verdict": names[verdicts[n]]})
    )
    assert found.verdict == verdict and len(found.runs) == made


def test_an_interrupted_search_goes_on_from_its_finished_runs(tmp_path: Path) -> None:
    whole = Machine()
    expected = answer(sized(whole, tmp_path / "whole"))

    class Cut(Machine):
        left = 17

        def at(self, load: Load) -> Trial:
            def trial(size: HostingSpec, scenario: str, *, length: Length, repeat: int) -> Run:
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
                return self.run(size, load, scenario, length, repeat)

            return trial

    machine = Cut()
    with pytest.raises(KeyboardInterrupt):
        sized(machine, tmp_path / "cut")
    assert len(Ledger(tmp_path / "cut").all()) == 17
    machine.left = 10**6
    assert answer(sized(machine, tmp_path / "cut")) == expected
    assert sorted(machine.asked) == sorted(whole.asked), "no run was made twice"
    again = len(machine.asked)
    sized(machine, tmp_path / "cut")
    assert len(machine.asked) == again


def test_a_run_of_another_context_or_question_is_not_used(tmp_path: Path) -> None:
    load = Request().load
    asked = Asked(size=HostingSpec(vcpus=1, memory_mib=512, disk_gib=20), load=load, scenario="steady", length="short", repeat=0, context="a")
    ledger = Ledger(tmp_path)
    ledger.keep(asked, Machine().run(asked.size, load, "steady", "short", 0))
    assert ledger.find(asked) is not None
    assert ledger.find(asked.model_copy(update={"size": asked.size.model_copy(update={"offer": "x"})})) is not None, "the size counts, not its offer"
    for other in ({"context": "b"}, {"repeat": 1}, {"length": "full"}, {"load": load.model_copy(update={"hosts": 20})}):
        assert ledger.find(asked.model_copy(update=other)) is None
    ledger.path(asked).rename(ledger.path(asked.model_copy(update={"context": "b"})))
    with pytest.raises(BadInput, match="another run"):
        ledger.find(asked.model_copy(update={"context": "b"}))


def test_what_no_measurable_size_carries_is_predicted_and_says_so(tmp_path: Path) -> None:
    sizing = sized(Machine(collect_cpu_s=40), tmp_path)
    short = answer(sizing)
    assert short.verdict == "predicted" and short.passing_run is None and not short.failing_runs
    assert sizing.predicted is not None and sizing.predicted.how == "predicted, not run"
    assert "collecting run" in short.why


def test_a_quick_answer_is_an_estimate_and_runs_one_size(tmp_path: Path) -> None:
    sizing = sized(Machine(), tmp_path, Request(effort="quick"))
    short = answer(sizing)
    assert short.verdict == "estimate" and any("estimate" in one for one in short.caveats)
    assert short.passing_run is None and len({run.size for run in sizing.runs}) == 1 and {run.scenario for run in sizing.runs} == {*SEARCHED, STORM} and len(sizing.runs) == 4


@pytest.mark.parametrize(("cores", "most"), [(1, None), (2, 1.0), (3, 2.0), (4, 2.0), (5, 4.0), (64, 4.0)])
def test_a_size_is_measured_only_beside_a_core_for_the_rest(cores: int, most: float | None) -> None:
    assert (measurable(cores)[-1] if measurable(cores) else None) == most


def test_the_lattice_ends_at_the_least_memory_there_is() -> None:
    assert below(Cell(vcpus=0.1, memory_mib=MIN_MEMORY_MIB), "memory") is None
    assert below(Cell(vcpus=0.1, memory_mib=MIN_MEMORY_MIB), "cpu") is None
    assert below(Cell(vcpus=0.25, memory_mib=256), "memory") == Cell(vcpus=0.25, memory_mib=192)

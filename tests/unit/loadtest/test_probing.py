"""Samples on disk while they come, the host's side of probes, what is told of them, and reasons in them why a run says nothing."""

from __future__ import annotations

import gzip
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest import probes, probing, soundness
from loadtest.probes import groups, host
from loadtest.samples import COST, Sample, Table, plain, read, rows

SAMPLES = [Sample(100.0 + at, "groups", "cpu_s", 5 + at / 2, "machine=monitor") for at in range(5)]


@pytest.mark.parametrize("name", probes.names())
def test_every_file_of_the_folder_reads(name: str) -> None:
    assert list(inspect.signature(importlib.import_module(f"loadtest.probes.{name}").read).parameters) == ["rig", "turn"]


def test_a_table_can_be_read_while_it_grows_and_is_packed_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "probes" / "samples.csv.gz"
    table = Table(path)
    table.add(SAMPLES[:2])
    assert read(path) == SAMPLES[:2] and not path.exists()
    table.add(SAMPLES[2:])
    table.close()
    assert read(path) == SAMPLES and [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_table_that_was_cut_keeps_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv.gz"
    Table(path).add(SAMPLES)
    with plain(path).open("a") as text:
        text.write("105.000,groups,cpu_s,7,machine=mon")
    assert read(path) == SAMPLES


def test_rows_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv.gz"
    Table(path).add(SAMPLES)
    assert next(rows(path)) == SAMPLES[0]


def test_equal_tables_have_equal_bits(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        table = Table(tmp_path / name)
        table.add(SAMPLES)
        table.close()
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"time_s,probe,metric,value,labels\r\n100.000,groups,cpu_s,5,machine=monitor\r\n")


def test_a_machine_that_this_command_started_is_not_taken_for_the_harness() -> None:
    """Else its time would count twice, and what others take of the host would hide behind it."""
    busy = "import time\nwhile time.process_time() < 0.5: pass\nprint('busy', flush=True)\nimport sys; sys.stdin.read()"
    shell = ["sh", "-c", 'exec 3<&0; "$@" <&3 & wait', "sh", sys.executable, "-c", busy]  # a child of a child
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as machine:
        assert machine.stdin and machine.stdout and machine.stdout.readline() == b"busy\n"
        with_it, without = host.own_s(), host.own_s({machine.pid})
        machine.stdin.close()
    assert with_it - without >= 0.45


def test_what_the_kernel_does_not_count_is_left_out() -> None:
    assert groups.memory(used=2**20, droppable=2**19, peak=None, swapped=None, kills=1) == {"memory_used_mib": 1, "working_set_mib": 0.5, "oom_kills": 1}
    assert groups.memory(used=0, droppable=0, peak=2**21, swapped=2**20, kills=0)["swap_used_mib"] == 1


def test_a_v1_group_as_the_kernel_shows_it(tmp_path: Path) -> None:
    files = {
        "memory.stat": "cache 1048576\ntotal_inactive_file 1048576\ntotal_swap 2097152\n", "memory.usage_in_bytes": "4194304\n",
        "memory.max_usage_in_bytes": "8388608\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 1500000000\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert groups.memory_v1(tmp_path) == {"memory_used_mib": 4, "working_set_mib": 3, "memory_used_peak_mib": 8, "swap_used_mib": 2, "oom_kills": 3}
    assert groups.throttled_s(tmp_path, v2=False) == 1.5


def test_a_v2_group_as_the_kernel_shows_it(tmp_path: Path) -> None:
    files = {
        "memory.stat": "anon 1048576\ninactive_file 1048576\n", "memory.current": "4194304\n", "memory.peak": "8388608\n", "memory.swap.current": "0\n",
        "memory.events": "low 0\noom 1\noom_kill 2\n", "cpu.stat": "usage_usec 5\nthrottled_usec 2500000\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert groups.memory_v2(tmp_path) == {"memory_used_mib": 4, "working_set_mib": 3, "memory_used_peak_mib": 8, "swap_used_mib": 0, "oom_kills": 2}
    assert groups.throttled_s(tmp_path, v2=True) == 2.5


def test_the_last_values_and_what_grew() -> None:
    cost = [Sample(100.0 + at, COST, "cpu_s", at / 100, "of=looking") for at in range(5)]
    (one,) = probing.last([*SAMPLES, *cost])
    assert (one.probe, one.value, one.per_s) == ("groups", 7, 0.5)


def spent(metric: str, labels: str, per_s: float, probe: str = "host") -> list[Sample]:
    return [Sample(100.0 + at, probe, metric, at * per_s, labels) for at in range(11)]


QUIET = [*spent("stolen_s", "cpu=all", 0.001), *spent("cpu_s", "of=looking", 0.004, COST), *spent("answering_cpu_s", "", 0.001, "postgresql")]


def reasons(samples: list[Sample], noise_before: float = 0.0) -> str:
    return "; ".join(soundness.of_samples(samples, 100, 110, cores=2, noise_before=noise_before))


def test_a_quiet_host_gives_no_reason() -> None:
    assert reasons(QUIET) == "" and soundness.probe_cost(QUIET, 100, 110) == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (spent("stolen_s", "cpu=all", 0.2), "hypervisor gave 10% of its CPU time"),
        ([Sample(105, "groups", "swap_used_mib", 12, "machine=monitor")], "had 12 MiB in swap"),
        (spent("cpu_s", "of=asking-monitor", 0.02, COST), "probing took 2.5% of a core"),
        ([Sample(101, "packages", "changed_at_s", 1, ""), Sample(109, "packages", "changed_at_s", 2, "")], "packages of the monitor changed"),
    ],
)
def test_each_reason_why_a_run_says_nothing(more: list[Sample], words: str) -> None:
    kept = [one for one in QUIET if not any((one.metric, one.labels) == (other.metric, other.labels) for other in more)]
    assert words in reasons([*kept, *more])


def test_noise_before_the_run_is_a_reason() -> None:
    assert "others took 30% of the host's CPU time before the run" in reasons(QUIET, 0.3)


def test_what_happens_outside_the_window_is_no_reason() -> None:
    late = [Sample(120, "groups", "swap_used_mib", 12, "machine=monitor"), Sample(101, "packages", "changed_at_s", 1, ""), Sample(120, "packages", "changed_at_s", 2, "")]
    assert reasons([*QUIET, *late]) == ""

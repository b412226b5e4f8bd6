"""Limits of containers as text for the kernel, for both generations of control groups."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vm import cgroups


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "cpu", "memory"),
    [
        (2, 1024, "200000 100000", "1073741824"),
        (0.5, 256, "50000 100000", "268435456"),
        (0, 256, "max 100000", "268435456"),
        (1, 0, "100000 100000", "max"),
        (0, 0, "max 100000", "max"),
    ],
)
def test_limits_for_v2(vcpus: float, memory_mib: int, cpu: str, memory: str) -> None:
    assert cgroups.settings(vcpus, memory_mib, v2=True) == {"unified": {"memory.swap.max": "0" if memory_mib else "max", "memory.max": memory, "cpu.max": cpu}}


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "quota", "memory"),
    [(2, 1024, "200000", "1073741824"), (0.5, 0, "50000", "-1"), (0, 256, "-1", "268435456"), (0, 0, "-1", "-1")],
)
def test_limits_for_v1(vcpus: float, memory_mib: int, quota: str, memory: str) -> None:
    assert cgroups.settings(vcpus, memory_mib, v2=False) == {
        "cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": quota},
        "memory": {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
    }


def test_the_period_is_written_before_the_quota_that_it_measures() -> None:
    assert list(cgroups.settings(1, 1, v2=False)["cpu"]) == ["cpu.cfs_period_us", "cpu.cfs_quota_us"]


def test_v2_has_one_group_below_our_own(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    assert cgroups.is_v2(tmp_path)
    assert cgroups.groups("one", "fleet", tmp_path) == {"unified": tmp_path / "watchpost/one/fleet"}


def test_v1_has_a_group_in_each_hierarchy_there_is(tmp_path: Path) -> None:
    for name in ("cpu", "cpuset", "memory", "unified", "pids"):
        (tmp_path / name).mkdir()
    assert not cgroups.is_v2(tmp_path)
    assert cgroups.groups("one", "fleet", tmp_path) == {
        name: tmp_path / name / "watchpost/one/fleet" for name in ("unified", "cpu", "cpuset", "memory")
    }
    (tmp_path / "unified").rmdir()
    assert set(cgroups.groups("one", "fleet", tmp_path)) == {"cpu", "cpuset", "memory"}


def test_every_v1_setting_has_a_hierarchy_to_go_to(tmp_path: Path) -> None:
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
    assert set(cgroups.settings(1, 256, v2=False)) == set(cgroups.groups("one", "fleet", tmp_path))


def v1_memory_group(place: Path, limit_mib: int) -> Path:
    place.mkdir()
    for name in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"):
        (place / name).write_text(str(limit_mib * 2**20))
    return place


@pytest.mark.parametrize(("now_mib", "then_mib", "first"), [(512, 256, "memory.limit_in_bytes"), (256, 512, "memory.memsw.limit_in_bytes"), (256, 0, "memory.memsw.limit_in_bytes")])
def test_a_v1_limit_of_memory_is_never_above_that_of_memory_and_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now_mib: int, then_mib: int, first: str
) -> None:
    group = v1_memory_group(tmp_path / "memory", now_mib)
    written: list[str] = []
    real = Path.write_text

    def noted(self: Path, text: str) -> int:
        written.append(self.name)
        return real(self, text)

    monkeypatch.setattr(Path, "write_text", noted)
    cgroups.set_limits({"memory": group}, 1, then_mib, v2=False)
    assert written[0] == first and set(written) == {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"}


def test_a_kernel_that_does_not_account_swap_is_no_error(tmp_path: Path) -> None:
    group = v1_memory_group(tmp_path / "memory", 512)
    (group / "memory.memsw.limit_in_bytes").unlink()
    cgroups.set_limits({"memory": group}, 1, 256, v2=False)
    assert [path.name for path in group.iterdir()] == ["memory.limit_in_bytes"]


def test_memory_is_limited_before_cpu_so_that_a_refusal_changes_nothing() -> None:
    assert list(cgroups.settings(1, 256, v2=False)) == ["memory", "cpu"]
    assert list(cgroups.settings(1, 256, v2=True)["unified"])[-1] == "cpu.max"


@pytest.mark.parametrize(("cpus", "found"), [("0", {0}), ("1-3", {1, 2, 3}), ("0,2-3,7", {0, 2, 3, 7})])
def test_a_list_of_cpus_is_read_as_the_kernel_writes_it(cpus: str, found: set[int]) -> None:
    assert cgroups.numbers(cpus) == found


def test_threads_are_pinned_one_by_one_where_there_is_no_cpuset(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "below").mkdir()
        (tmp_path / "cgroup.procs").write_text("")
        (tmp_path / "below" / "cgroup.procs").write_text(f"{child.pid}\n999999999\n")
        one = min(os.sched_getaffinity(0))
        cgroups.set_affinity(tmp_path, {one})
        assert os.sched_getaffinity(child.pid) == {one}
    finally:
        child.kill()
        child.wait()


def test_limits_of_a_group_are_told_from_others(tmp_path: Path) -> None:
    found = {name: tmp_path / name for name in ("unified", "cpu", "cpuset", "memory")}
    for directory in found.values():
        directory.mkdir()
    for hierarchy, files in cgroups.settings(1, 512, v2=False).items():
        for name, value in files.items():
            (found[hierarchy] / name).write_text(value + "\n")
    (found["cpuset"] / "cpuset.cpus").write_text("0-3\n")
    assert cgroups.limited_as(found, 1, 512, "0-3", v2=False)
    assert not cgroups.limited_as(found, 0.5, 512, "0-3", v2=False)
    assert not cgroups.limited_as(found, 1, 448, "0-3", v2=False)
    assert not cgroups.limited_as(found, 1, 512, "0-1", v2=False)
    (found["memory"] / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (found["memory"] / "memory.memsw.limit_in_bytes").write_text("9223372036854771712\n")
    assert cgroups.limited_as(found, 1, 0, "0-3", v2=False) and not cgroups.limited_as(found, 1, 512, "0-3", v2=False)

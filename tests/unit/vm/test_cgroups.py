"""Limits of containers as text for the kernel, for both generations of control groups."""

from __future__ import annotations

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
    assert cgroups.settings(vcpus, memory_mib, v2=True) == {"unified": {"cpu.max": cpu, "memory.max": memory}}


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "quota", "memory"),
    [(2, 1024, "200000", "1073741824"), (0.5, 0, "50000", "-1"), (0, 256, "-1", "268435456"), (0, 0, "-1", "-1")],
)
def test_limits_for_v1(vcpus: float, memory_mib: int, quota: str, memory: str) -> None:
    assert cgroups.settings(vcpus, memory_mib, v2=False) == {
        "cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": quota},
        "memory": {"memory.limit_in_bytes": memory},
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

"""Limits of a running machine take hold and are seen; what it writes is counted; looking costs next to nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loadtest.probes import groups
from provision.options import read
from tests.acceptance.conftest import LiveLab
from vm import cgroups
from vm.drivers import container, machine_directory, own_disk
from vm.errors import WatchpostError
from vm.wait import wait_until

pytestmark = pytest.mark.project


def cpu_s(lab: LiveLab) -> float:
    return int(groups.table(cgroups.groups(lab.lab.name, "monitor")["unified"] / "cpu.stat")["usage_usec"]) / 1e6


@contextmanager
def at_size(lab: LiveLab, vcpus: float, memory_mib: int, cpus: str) -> Iterator[None]:
    """The running monitor with other limits."""
    own = read(lab.lab).spec
    cgroups.resize(lab.lab.name, "monitor", vcpus, memory_mib, cpus)
    try:
        yield
    finally:
        cgroups.resize(lab.lab.name, "monitor", own.vcpus, own.memory_mib)


def spun(lab: LiveLab) -> float:
    """CPU seconds that the monitor had in a second and a half of two busy loops, as a service of its own, in its groups."""
    run = ["systemd-run", "--quiet", "--wait", "--collect"]
    before = cpu_s(lab)
    container.inside(lab.lab, "monitor", [*run, "sh", "-c", "for n in 1 2; do timeout 1.5 sh -c 'while :; do :; done' & done; wait; true"])
    return cpu_s(lab) - before


def test_a_quota_takes_hold_of_the_running_machine(lab: LiveLab) -> None:
    free = spun(lab)
    with at_size(lab, 0.1, 2048, ""):
        held = spun(lab)
    assert held < 0.4 < free, "1.5 s at a tenth are 0.15 s; what runs anyway comes on top"


def test_the_machine_runs_on_the_cpus_it_was_given(lab: LiveLab) -> None:
    last = max(os.sched_getaffinity(0))
    pid = container.leader_pid(lab.lab, "monitor")
    assert len(os.sched_getaffinity(pid)) > 1
    with at_size(lab, 2, 2048, str(last)):
        assert os.sched_getaffinity(pid) == {last}
        late = container.inside(lab.lab, "monitor", ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "cat", "/proc/self/status"])
        assert f"Cpus_allowed_list:\t{last}\n" in late, "a process that is started later has the same CPUs"
    assert len(os.sched_getaffinity(pid)) > 1


TAKE = ["systemd-run", "--quiet", "--wait", "--collect", "python3", "-c", "b = bytearray(400 * 2**20); b[::4096] = b'x' * len(b[::4096])"]


def test_a_memory_limit_takes_hold_and_swap_gives_no_way_out(lab: LiveLab) -> None:
    container.inside(lab.lab, "monitor", TAKE)  # the control: there is room for it
    before = kills(lab)
    with at_size(lab, 2, 512, ""):
        with pytest.raises(WatchpostError):
            container.inside(lab.lab, "monitor", TAKE)
        assert kills(lab) > before
        found = memory(lab)
        assert found["memory_used_mib"] <= 512 and found.get("swap_used_mib", 0) == 0


def memory(lab: LiveLab) -> dict[str, float]:
    found = cgroups.groups(lab.lab.name, "monitor")
    return groups.memory_v2(found["unified"]) if cgroups.is_v2() else groups.memory_v1(found["memory"])


def kills(lab: LiveLab) -> float:
    return memory(lab)["oom_kills"]


def test_a_limit_below_what_is_used_is_refused_and_changes_nothing(lab: LiveLab) -> None:
    with at_size(lab, 1, 1024, ""):
        with pytest.raises(WatchpostError, match="does not change to 64 MiB"):
            cgroups.resize(lab.lab.name, "monitor", 0.5, 64)
        found = cgroups.groups(lab.lab.name, "monitor")
        kept = found["unified"] / "cpu.max" if cgroups.is_v2() else found["cpu"] / "cpu.cfs_quota_us"
        assert kept.read_text().split()[0] == "100000"
    assert lab.status()["machines"]["monitor"]


def written_mib(lab: LiveLab) -> float:
    container.inside(lab.lab, "monitor", ["sync"])
    found = own_disk.written_bytes(machine_directory(lab.lab, "monitor"))
    assert found is not None, "this host has loop devices, or running.json says why not"
    return found / 2**20


def test_what_the_machine_writes_is_counted_on_its_own_disk(lab: LiveLab) -> None:
    first = written_mib(lab)
    container.inside(lab.lab, "monitor", ["dd", "if=/dev/urandom", "of=/var/tmp/written", "bs=1M", "count=64", "status=none"])
    second = written_mib(lab)
    container.inside(lab.lab, "monitor", ["rm", "/var/tmp/written"])
    container.inside(lab.lab, "fleet", ["dd", "if=/dev/urandom", "of=/var/tmp/written", "bs=1M", "count=64", "conv=fsync", "status=none"])
    container.inside(lab.lab, "fleet", ["rm", "/var/tmp/written"])
    third = written_mib(lab)
    assert 64 <= second - first < 128
    assert third - second < 32, "the control: what another machine writes is not the monitor's"


def test_the_disk_is_as_large_as_was_asked_for(lab: LiveLab) -> None:
    whole = os.statvfs(Path(f"/proc/{container.leader_pid(lab.lab, 'monitor')}/root"))
    assert 0.7 < whole.f_blocks * whole.f_frsize / (read(lab.lab).spec.disk_gib * 2**30) < 1


def test_every_probe_reads_a_running_lab_and_all_of_them_cost_next_to_nothing(lab: LiveLab) -> None:
    done = lab.invoke("probe", "--seconds", "15", "--json")
    assert done.returncode == 0
    found: dict[str, Any] = json.loads(done.stdout)
    assert not found["errors"]
    told = {(one["probe"], one["metric"], one["labels"]): one["value"] for one in found["values"]}
    for probe, metric, labels in (
        ("groups", "working_set_mib", "machine=monitor"), ("groups", "memory_pressure_full_s", "machine=monitor"), ("groups", "io_pressure_some_s", "machine=monitor"),
        ("units", "cpu_s", "unit=icinga2"), ("units", "pss_mib", "unit=postgresql@17-main"), ("disk", "written_bytes", ""), ("disk", "disk_mib", "owner=database"),
        ("packages", "disk_mib", "owner=packages"), ("icinga", "endpoints_connected", ""), ("postgresql", "transactions", ""), ("postgresql", "wal_bytes", ""),
        ("valkey", "memory_bytes", ""), ("valkey", "icingadb_backlog", "stream=state"), ("puppetserver", "heap_used_mib", ""), ("puppetdb", "commands_processed", ""),
        ("puppetdb", "queue_depth", ""), ("agent_run", "resources", ""), ("mail_queue", "queued", "queue=deferred"), ("mail_sink", "received", ""),
    ):  # fmt: skip
        assert (probe, metric, labels) in told
    assert told["agent_run", "resources", ""] > 100 and told["units", "pss_mib", "unit=postgresql@17-main"] > 10
    assert Path(found["samples"]).exists()
    assert 0 < sum(found["cost_ratio"].values()) < 0.02, "a hundredth on a quiet host; CPU seconds grow where others share the caches"


def test_nothing_of_the_probes_stays_behind(lab: LiveLab) -> None:
    mine = f"/proc/{container.leader_pid(lab.lab, 'monitor')}/ns/net".encode()

    def gone() -> bool:
        lines = [line for path in Path("/proc").glob("[0-9]*/cmdline") if (line := words(path))]
        return not [line for line in lines if b"loadtest.inside" in line and mine in line] and "psql" not in container.inside(lab.lab, "monitor", ["ps", "-eo", "comm"])

    wait_until(gone, reason="the processes that asked to end", deadline_s=10)


def words(path: Path) -> bytes:
    """A process's words; none where it has ended meanwhile."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""

"""Probes: every file of the folder answers; a KVM that opens but boots nothing is refused, one that boots is taken."""

from __future__ import annotations

import io
import json
import os
import socket
import time
from pathlib import Path

import pytest
from rich.console import Console

from vm import doctor
from vm.command import Result
from vm.errors import WatchpostError
from vm.finding import Finding, Level, Question
from vm.host_probes import cgroup, cores, disk, kvm, libvirt, loop, memory, mirror, netem, nftables, pressure, tcg

FOLDER = Path(doctor.__file__).parent / "host_probes"
SILENT = "#!/bin/sh\nexec sleep 60\n"
BOOTING = "#!/bin/sh\necho SeaBIOS\necho '[    0.000000] Linux version 6.12.0-amd64'\nexec sleep 60\n"
ABORTING = "#!/bin/sh\necho 'kvm_buf_set_msrs: Assertion failed' >&2\nexit 134\n"
COUNTING = "#!/bin/sh\necho run >> {counter}\necho 'Linux version 6'\n"


def question(tmp_path: Path, script: str, deadline_s: float = 0.5) -> Question:
    qemu, kernel, device = tmp_path / "qemu", tmp_path / "vmlinuz", tmp_path / "kvm"
    qemu.write_text(script)
    qemu.chmod(0o755)
    kernel.write_bytes(b"a kernel")
    device.touch()
    return Question(kernel, tmp_path / "state" / "kvm.json", device, str(qemu), deadline_s)


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_a_kvm_that_opens_but_boots_nothing_is_refused_in_time(tmp_path: Path) -> None:
    before, began = children(), time.monotonic()
    found = kvm.probe(question(tmp_path, SILENT))
    assert (found.level, "no line of the kernel" in found.detail) == ("missing", True)
    assert time.monotonic() - began < 3 and children() == before, "the machine is ended"
    assert doctor.accelerator([found, Finding(name="tcg", level="OK", detail="")]) == "tcg"


def test_a_kvm_that_boots_a_kernel_is_taken(tmp_path: Path) -> None:
    before, began = children(), time.monotonic()
    found = kvm.probe(question(tmp_path, BOOTING, deadline_s=20))
    assert found.level == "OK"
    assert time.monotonic() - began < 5 and children() == before, "the machine is ended at its first line"
    assert doctor.accelerator([found]) == "kvm"
    assert doctor.accelerator_reason([found]) == "KVM, as KVM boots a kernel"


def test_qemus_own_death_is_the_evidence(tmp_path: Path) -> None:
    found = kvm.probe(question(tmp_path, ABORTING, deadline_s=20))
    assert found.level == "missing" and "Assertion failed" in found.detail


def test_the_answer_is_remembered_until_kernel_or_qemu_change(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    asked = question(tmp_path, COUNTING.format(counter=counter))

    def runs() -> int:
        kvm.probe(asked)
        return len(counter.read_text().splitlines())

    assert (runs(), runs()) == (1, 1)
    assert "remembered" in kvm.probe(asked).detail
    assert asked.kernel is not None
    asked.kernel.write_bytes(b"another kernel")
    assert (runs(), runs()) == (2, 2)
    Path(asked.qemu).write_text(COUNTING.format(counter=counter) + "\n")
    assert runs() == 3
    asked.cache.write_text("{")
    assert runs() == 4, "a broken memory is asked anew"


def test_without_device_qemu_or_kernel_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = question(tmp_path, BOOTING)
    assert kvm.probe(Question(good.kernel, good.cache, tmp_path / "none", good.qemu)).level == "missing"
    assert kvm.probe(Question(good.kernel, good.cache, good.device, "no-such-qemu")).level == "missing"
    monkeypatch.setattr(kvm, "host_kernel", lambda: None)
    unknown = kvm.probe(Question(None, good.cache, good.device, good.qemu))
    assert (unknown.level, "cannot be judged yet" in unknown.detail) == ("degraded", True)
    assert not good.cache.exists(), "and nothing is remembered"
    monkeypatch.setattr(kvm, "host_kernel", lambda: good.kernel)
    assert kvm.probe(Question(None, good.cache, good.device, good.qemu)).level == "OK"


def test_this_hosts_own_answer_is_a_finding(tmp_path: Path) -> None:
    """Whatever /dev/kvm is here: an honest answer within the deadline, from real QEMU where there is one."""
    kernel = tmp_path / "vmlinuz"
    kernel.write_bytes(b"no kernel at all")
    found = kvm.probe(Question(kernel, tmp_path / "kvm.json", deadline_s=1))
    assert found.level == "missing" and found.remedy, "no KVM boots a file that is no kernel"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))
def test_every_file_of_the_folder_is_found(name: str) -> None:
    assert name in doctor.probes()


def test_findings_are_shown_and_told_to_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(asked: Question) -> Finding:
        raise OSError(5, "Input/output error")

    def fine(asked: Question) -> Finding:
        return Finding(name="fine", level="OK", detail=str(asked.cache))

    monkeypatch.setattr(doctor, "probes", lambda: {"broken": broken, "fine": fine})
    findings = doctor.examine(None, tmp_path / "kvm.json")
    assert [(one.name, one.level) for one in findings] == [("broken", "missing"), ("fine", "OK")]
    console = Console(width=200, record=True, file=io.StringIO())
    doctor.show(findings, console)
    text = console.export_text()
    assert "Input/output error" in text and "look at the log" in text
    assert json.loads(json.dumps(doctor.as_json(findings)))[1]["detail"] == str(tmp_path / "kvm.json")


def test_without_kvm_and_tcg_there_is_no_accelerator() -> None:
    none = [Finding(name=name, level="missing", detail=f"no {name}", remedy="get one") for name in ("kvm", "tcg")]
    with pytest.raises(WatchpostError, match="no tcg"):
        doctor.accelerator(none)


@pytest.mark.parametrize(
    ("controllers", "table", "level"),
    [
        ("cpuset cpu io memory pids\n", "", "OK"),
        ("cpuset cpu io pids\n", "", "missing"),
        (None, "#subsys_name\thierarchy\tnum\tenabled\ncpu\t1\t2\t1\nmemory\t2\t2\t1\ncpuset\t3\t2\t1\n", "degraded"),
        (None, "cpu\t1\t2\t1\nmemory\t2\t2\t0\ncpuset\t3\t2\t1\n", "missing"),
        (None, "", "missing"),
    ],
)
def test_control_groups_of_both_versions(controllers: str | None, table: str, level: Level) -> None:
    assert cgroup.judge(controllers, table).level == level


def test_thresholds_have_three_sides() -> None:
    assert [cores.judge(count).level for count in (1, 2)] == ["degraded", "OK"]
    assert [memory.judge(mib).level for mib in (4000, 6000, 9000)] == ["missing", "degraded", "OK"]
    assert [disk.judge(gib, "/x").level for gib in (5, 15, 50)] == ["missing", "degraded", "OK"]


def test_a_libvirt_socket_has_to_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "socket"
    monkeypatch.setattr(libvirt, "SOCKETS", (path,))
    monkeypatch.setattr(libvirt, "PROGRAMS", ("no-such-program",))
    asked = Question(None, tmp_path / "kvm.json")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert libvirt.probe(asked).level == "missing", "a socket that nobody listens on"
        listening.listen()
        assert libvirt.probe(asked).level == "OK"
    monkeypatch.setattr(libvirt, "PROGRAMS", ("sh",))
    path.unlink()
    assert "will be started" in libvirt.probe(asked).detail


def test_apts_addresses_are_read_and_a_dead_source_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "'http://a.test/dists/x/InRelease' a_InRelease 0 \n'http://a.test/dists/x/main/i18n' b 0\nReading\n"
    assert mirror.release_files(printed) == ["http://a.test/dists/x/InRelease"]
    helper = tmp_path / "apt-helper"
    helper.touch()
    monkeypatch.setattr(mirror, "HELPER", str(helper))
    monkeypatch.setattr("vm.host_probes.mirror.shutil.which", lambda name: name)
    asked, code = Question(None, tmp_path / "kvm.json"), 0

    def run(argv: list[str], **_: object) -> Result:
        return Result(tuple(argv), code if argv[0] == str(helper) else 0, printed, "Connection failed")

    monkeypatch.setattr(mirror, "run", run)
    assert mirror.probe(asked).level == "OK"
    code = 100
    found = mirror.probe(asked)
    assert found.level == "missing" and "Connection failed" in found.detail
    printed = ""
    assert "APT knows no source" in mirror.probe(asked).detail


@pytest.mark.parametrize(("module", "without"), [(nftables, "missing"), (netem, "degraded")])
def test_fault_tools_are_judged_by_trying(
    module: object, without: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = getattr(module, "probe")  # noqa: B009
    asked = Question(None, tmp_path / "kvm.json")
    monkeypatch.setattr(module, "run", lambda argv, **_: Result(tuple(argv), 0, "", ""))
    assert probe(asked).level == "OK"
    monkeypatch.setattr(module, "run", lambda argv, **_: Result(tuple(argv), 2, "", "Error: unknown kind"))
    assert (probe(asked).level, "unknown kind" in probe(asked).detail) == (without, True)


def test_pressure_and_tcg_say_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = question(tmp_path, "#!/bin/sh\necho 'Accelerators supported in QEMU binary:'\necho tcg\n")
    assert tcg.probe(asked).level == "OK"
    assert tcg.probe(question(tmp_path, "#!/bin/sh\necho kvm\n")).level == "missing"
    for name in ("cpu", "memory", "io"):
        (tmp_path / name).write_text("some avg10=1.50 avg60=0.00 avg300=0.00 total=5\n")
    monkeypatch.setattr(pressure, "FOLDER", tmp_path)
    assert "cpu 1.50 %" in pressure.probe(asked).detail
    monkeypatch.setattr(pressure, "FOLDER", tmp_path / "none")
    assert pressure.probe(asked).level == "degraded"


def test_loop_devices_are_judged_by_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, seen = Question(None, tmp_path / "kvm.json"), []

    def run(argv: list[str], **_: object) -> Result:
        seen.append(argv[1])
        return Result(tuple(argv), 0, "/dev/loop7\n", "")

    monkeypatch.setattr(loop, "run", run)
    assert loop.probe(asked).level == "OK" and seen == ["--find", "--detach"]

    def refuse(argv: list[str], **_: object) -> Result:
        raise WatchpostError("losetup failed with exit code 1: cannot find an unused loop device")

    monkeypatch.setattr(loop, "run", refuse)
    found = loop.probe(asked)
    assert found.level == "degraded" and "unused loop device" in found.detail and "--disk does not hold" in found.remedy

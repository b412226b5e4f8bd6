"""What the host lacks is told before machines are made, and only then; what cannot be is refused with a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from provision.ledger import Ledger
from provision.stages import Work, host, starting
from vm import doctor, lab
from vm.drivers import container, libvirt
from vm.errors import WatchpostError
from vm.finding import Finding
from vm.host_probes import memory
from vm.image import build
from vm.progress import Stages

DRIVERS = {"puppet": "container", "fleet": "container", "monitor": "libvirt"}
LOW = {"disk": Finding(name="disk", level="missing", detail="3 GiB free", remedy="make 10 GiB free"), "memory": Finding(name="memory", level="degraded", detail="6000 MiB available", remedy="take a small monitor")}
Look = Callable[..., list[str]]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """Look at a host with these machines running, images built and findings; which probes were run."""

    def run(running: Iterable[str] = (), built: Iterable[str] = DRIVERS, findings: dict[str, Finding] | None = None, available_mib: int = 9000, drivers: dict[str, str] | None = None) -> list[str]:
        asked: list[str] = []

        def probe(name: str) -> Callable[[object], Finding]:
            def answer(_: object) -> Finding:
                asked.append(name)
                return (findings or {}).get(name, Finding(name=name, level="OK", detail="fine"))

            return answer

        for one in (container, libvirt):
            monkeypatch.setattr(one, "running", lambda _, kind: kind in running)
        monkeypatch.setattr(build, "cached", lambda kind, _: object() if kind in built else None)
        monkeypatch.setattr(doctor, "probes", lambda: {name: probe(name) for name in ("disk", "kvm", "memory", "mirror", "tcg")})
        monkeypatch.setattr(memory, "available_mib", lambda: available_mib)
        stages = Stages()
        work = Work(lab.of_name("unit-none"), cast(Any, None), Ledger(tmp_path / "stages.json", stages), stages, cast(Any, None))
        host.look(work, drivers or DRIVERS)
        return sorted(asked)

    return run


@pytest.mark.parametrize("monitor", ["libvirt", "container"])
def test_nothing_is_probed_where_nothing_is_made_and_the_same_by_either_driver(look: Look, monitor: str, capfd: pytest.CaptureFixture[str]) -> None:
    drivers = DRIVERS | {"monitor": monitor}
    assert look(running=DRIVERS, findings=LOW, drivers=drivers) == [] and capfd.readouterr().err == ""
    assert look(running=("puppet", "fleet"), findings=LOW, drivers=drivers) == ["disk", "memory"]
    told = capfd.readouterr().err
    assert "host: disk missing: 3 GiB free; make 10 GiB free" in told and "host: memory degraded: 6000 MiB" in told and told.count("host: ") == 2
    assert look(running=DRIVERS, built=("puppet", "fleet"), drivers=drivers) == ["disk", "memory", "mirror"]


def test_an_accelerator_is_chosen_without_the_other_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    def mirror(_: object) -> Finding:
        raise AssertionError("a dead mirror would hold up a run that has nothing to do")

    known = {name: lambda _, name=name: Finding(name=name, level="OK", detail="boots") for name in ("kvm", "tcg")}
    monkeypatch.setattr(doctor, "probes", lambda: known | {"mirror": mirror})
    assert starting.choose_accelerator(Path("/none")) == ("kvm", "KVM, as KVM boots a kernel")


def test_images_that_do_not_fit_are_refused(look: Look) -> None:
    with pytest.raises(WatchpostError, match=r"no room to build images \(monitor\): 3 GiB free") as error:
        look(built=("puppet", "fleet"), findings=LOW)
    assert error.value.todo == "make 10 GiB free"


def test_a_puppet_server_that_does_not_fit_is_refused(look: Look) -> None:
    with pytest.raises(WatchpostError, match="the Puppet server alone takes 2048 MiB"):
        look(findings=LOW, available_mib=2047)
    look(running=("puppet",), findings=LOW, available_mib=2047)


def test_a_mirror_that_is_down_is_told(look: Look, capfd: pytest.CaptureFixture[str]) -> None:
    look(built=(), findings={"mirror": Finding(name="mirror", level="missing", detail="does not answer", remedy="try apt-get update")})
    assert "host: mirror missing: does not answer; try apt-get update" in capfd.readouterr().err

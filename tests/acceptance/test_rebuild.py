"""Two rebuilds from one lock are the same machine; a line changed in any aspect is found and called drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from provision.options import Options, read
from provision.rebuild import run as rebuilding
from provision.rebuild.compare import compare
from provision.rebuild.snapshot import Snapshot
from vm.image.supply import STORE

pytestmark = [pytest.mark.project, pytest.mark.thorough]


@pytest.fixture
def options(lab: Any) -> Options:
    return read(lab.lab)


@pytest.fixture(scope="module")
def reports(lab: Any) -> Iterator[Path]:
    """Where this lab's rebuilds are kept; gone afterwards."""
    folder = rebuilding.folder(lab.lab)
    yield folder
    for path in folder.glob("*"):
        path.unlink()
    if folder.exists():
        folder.rmdir()


def test_two_rebuilds_from_one_lock_show_no_drift(lab: Any, reports: Path) -> None:
    first = lab.invoke("rebuild", "--hosts", "2", "--json")
    assert first.returncode == 0 and (reports / "baseline.json").exists()
    second = lab.invoke("rebuild", "--hosts", "2", "--json")
    found = json.loads(second.stdout)
    assert second.returncode == 0, found["differences"]
    assert found["differences"] == [] and found["moved"] == []
    assert all(rows > 0 for rows in found["aspects"].values())
    assert {"image", "packages", "catalog", "units", "ports", "files", "objects"} <= set(found["aspects"])
    assert ElementTree.parse(reports / "junit.xml").getroot().get("failures") == "0"
    assert not rebuilding.beside(lab.lab).directory.exists(), "the lab beside is gone"
    assert lab.status()["hosts"]["up"] == len(lab.hosts), "the lab itself went on"


STRAY_UNIT = "[Unit]\nDescription=a stray\n[Service]\nExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 8099\n[Install]\nWantedBy=multi-user.target\n"
STRAY_HOST = 'object Host "stray" {\n  check_command = "dummy"\n}\n'


def test_a_line_in_any_aspect_is_found(lab: Any, options: Options) -> None:
    """The live monitor, before and after somebody changed it by hand: no code, lock or option moved."""
    machine = lab.machine("monitor")
    puppet = lab.machine("puppet")
    node = f"/etc/puppet/lab/nodes/{lab.web_name}.yaml"
    before = rebuilding.snapshot(lab.lab, options)
    assert compare(before, rebuilding.snapshot(lab.lab, options), "x").differences == ()
    data = puppet.run(["cat", node]).stdout
    try:
        puppet.write(node, data + "profile::monitor::tor::socks_port: 9150\n", mode="0640", owner="root:puppet")
        lab.run_puppet(machine)
        machine.write("/etc/systemd/system/stray.service", STRAY_UNIT)
        machine.run(["systemctl", "enable", "--now", "stray.service"])
        machine.write("/etc/icinga2/watchpost.d/hosts/stray.conf", STRAY_HOST)
        machine.run(["sh", "-c", "echo '# by hand' >>/etc/nginx/nginx.conf"])
        machine.run(["dpkg", "--remove", "less"])
        after = rebuilding.snapshot(lab.lab, options)
    finally:
        puppet.write(node, data, mode="0640", owner="root:puppet")
        machine.run(["systemctl", "disable", "--now", "stray.service"], check=False)
        machine.run(["rm", "-f", "/etc/systemd/system/stray.service"])
        machine.write("/root/less.deb", next(STORE.debs.glob("less_*.deb")).read_bytes())  # the machine has no lists of packages
        machine.run(["dpkg", "--install", "/root/less.deb"])
        assert lab.invoke("provision", "--driver", "container", "--converge", "--json").returncode == 0
    found = compare(before, after, "x")
    drift = {f"{one.aspect}: {one.name}" for one in found.drift}
    assert {
        "catalog: File[/etc/tor/torrc] content",
        "files: /etc/nginx/nginx.conf",
        "objects: Host stray",
        "packages: less:amd64",
        "ports: tcp 127.0.0.1:8099",
        "units: stray.service",
    } <= drift
    assert len(found.drift) == len(found.differences)
    assert json.dumps(lab.secret("redis")) not in after.model_dump_json()


def test_another_image_is_drift_unless_the_lock_moved(lab: Any, options: Options) -> None:
    now = rebuilding.snapshot(lab.lab, options)
    other: Snapshot = now.model_copy(update={"aspects": {**now.aspects, "image": {"disk.raw": "0" * 64}}})
    assert [one.kind for one in compare(other, now, "x").differences] == ["drift"]
    assert [one.kind for one in compare(other.model_copy(update={"lock": "old"}), now, "x").differences] == ["intended"]

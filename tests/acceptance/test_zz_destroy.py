"""destroy removes what the lab owns and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.inventory import traces
from vm import processes
from vm.drivers import hypervisor

pytestmark = pytest.mark.project


def test_destroy_leaves_nothing_though_libvirtd_had_ended(lab: Any) -> None:
    before = traces(lab.lab)
    for kind in ("link", "route", "iptables-save rule", "libvirt object", "libvirt file", "libvirt log", "process", "control group"):
        assert any(one.startswith(kind) for one in before), f"the search finds no {kind} even now"
    started = hypervisor.remembered().processes
    for one in started:  # as after a crash; where systemd is, it starts libvirtd whenever somebody asks
        if processes.name(one.pid) == "libvirtd":
            assert processes.end(one)
            assert not any(it.startswith("libvirt object") for it in traces(lab.lab))
    assert lab.invoke("destroy", "--yes").returncode == 0
    assert traces(lab.lab) == []
    if hypervisor.try_connect() is None:  # no other lab uses them
        assert not any(processes.alive(one) for one in started) and not hypervisor.STARTED.exists()
    assert lab.invoke("destroy", "--yes").returncode == 0  # again: nothing to do is no error

"""A machine that grows while it works (HOST-8); test_vm.py does so with a VM."""

from __future__ import annotations

import time
from typing import Any

import pytest

from provision import icinga_api
from provision.pusher_spec import PusherSpec, PusherStatus
from tests.acceptance.conftest import LiveLab
from vm import cgroups
from vm.artefact import load
from vm.drivers import container
from vm.wait import wait_until


def pushed(lab: LiveLab) -> PusherStatus:
    """What the simulated agents have sent, and what they could not."""
    return load(PusherStatus, load(PusherSpec, lab.lab.records / "pusher.json").status)


def root_mib(lab: LiveLab) -> int:
    """Size of the monitor's root file system."""
    return int(container.inside(lab.lab, "monitor", ["df", "--output=size", "--block-size=1M", "/"]).split()[-1])


def oldest_result(lab: LiveLab) -> float:
    """When the service was checked whose result is the oldest among those of a minute; seconds since 1970."""
    found = icinga_api.get(lab.api(), "/v1/objects/services?attrs=last_check&attrs=name")
    return min(float(one["attrs"]["last_check"]) for one in found if one["attrs"]["name"] == "memory")


@pytest.mark.thorough
@pytest.mark.requirement("HOST-8")
def test_host8_the_monitor_grows_while_results_come_in(lab: LiveLab, record_property: Any) -> None:
    before, leader, size = pushed(lab), container.leader_pid(lab.lab, "monitor"), root_mib(lab)
    try:
        began = time.time()
        done = lab.invoke("resize", "--vcpus", "2.5", "--memory", "3G", "--disk", "24", "--json")
        took_s = time.time() - began
        assert done.returncode == 0
        grown = container.leader_pid(lab.lab, "monitor")
        how = "while it ran" if grown == leader else "by a reboot"
        assert root_mib(lab) > size + 3.5 * 1024
        found = cgroups.groups(lab.lab.name, "monitor")
        assert cgroups.limited_as(found, 2.5, 3072, cgroups.online(), v2=cgroups.is_v2())
        wait_until(lambda: oldest_result(lab) > began + took_s, reason="each host's results come on", deadline_s=120)
        after = pushed(lab)
        assert after.sent > before.sent
        assert lab.invoke("resize", "--memory", "3G").returncode == 0, "the same once more is no error"
        again = lab.invoke("provision", "--driver", "container", "--json")
        assert again.returncode == 0 and container.leader_pid(lab.lab, "monitor") == grown, "provision keeps the size"
        record_property("evidence", f"2 to 2.5 vCPU, 2048 to 3072 MiB, 20 to 24 GiB {how}, {took_s:.0f} s; {after.sent - before.sent} results sent meanwhile, {after.missed - before.missed} were due while the connection was lost")
    finally:
        lab.invoke("provision", "--driver", "container", "--vcpus", "2", "--memory", "2048", "--disk", "20", "--json")


@pytest.mark.project
def test_a_smaller_size_is_refused_with_a_sentence(lab: LiveLab) -> None:
    done = lab.invoke("resize", "--disk", "5")
    assert done.returncode == 2

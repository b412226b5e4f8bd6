"""A quiet time: no alarm where nothing is wrong (WHY-1), nor where one packet in a hundred is lost; and one as soon as something is.

How many seconds says WATCHPOST_SOAK_S, 600 by default; 86400 is a day. On a lab of `simulate --compress 10`, an hour has the checks of ten.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provision import icinga_api
from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role
from tests.acceptance.mails import awaited, received
from tests.acceptance.notifier_limits import NONE, limited
from tests.acceptance.test_checks import CASES, broken
from vm.wait import wait_until

SOAK_S = float(os.environ.get("WATCHPOST_SOAK_S", "600"))
TABLE = "watchpost_soak"
RULES = f"""table inet {TABLE} {{
  chain in {{ type filter hook input priority -300; iifname != "lo" numgen random mod 100 == 0 counter drop; }}
  chain out {{ type filter hook output priority -300; oifname != "lo" numgen random mod 100 == 0 counter drop; }}
}}
"""
HISTORY = """SELECT host.name, coalesce(service.name, 'host'), state_type, soft_state FROM state_history
  JOIN host ON host.id = state_history.host_id LEFT JOIN service ON service.id = state_history.service_id
  WHERE soft_state <> 0 AND event_time > """


def failures(monitor: Machine, since: float) -> list[str]:
    """What Icinga's history has of states that were not good, soft ones too: host, service, kind, state."""
    argv = ["runuser", "-u", "postgres", "--", "psql", "--no-psqlrc", "-At", "--dbname=icingadb", "--command", f"{HISTORY}{since * 1000:.0f} ORDER BY event_time"]
    return monitor.run(argv).stdout.split()


@contextmanager
def nothing_lost(monitor: Machine) -> Iterator[None]:
    """The network as it is."""
    yield


@contextmanager
def one_in_a_hundred_lost(monitor: Machine) -> Iterator[None]:
    """Of the packets that the monitor gets and sends; that some were is part of it."""
    monitor.write("/run/loss.nft", RULES)
    monitor.run(["nft", "--file", "/run/loss.nft"])
    try:
        yield
        counted = re.findall(r"counter packets (\d+)", monitor.run(["nft", "list", "table", "inet", TABLE]).stdout)
        assert len(counted) == 2 and all(int(one) for one in counted), counted
    finally:
        monitor.run(["nft", "delete", "table", "inet", TABLE])


def all_good(lab: LiveLab) -> bool:
    """Whether every host is up, every service good, every agent there."""
    found = icinga_api.status(lab.api())
    return found.hosts["up"] == len(lab.hosts) and not any(count for state, count in found.services.items() if state != "ok") and not found.endpoints_missing


@pytest.mark.thorough
@pytest.mark.requirement("WHY-1")
@pytest.mark.parametrize("network", [nothing_lost, one_in_a_hundred_lost], ids=["nothing lost", "1 % lost"])
def test_why1_a_quiet_time_raises_no_alarm_and_a_fault_does(lab: LiveLab, network: Any, record_property: Any) -> None:
    monitor = lab.machine("monitor")
    wait_until(lambda: all_good(lab), reason="everything is good", deadline_s=300, interval_s=5)
    with limited(lab, NONE):
        sent, since = lab.status()["results_sent"], time.time()
        with network(monitor):
            time.sleep(SOAK_S)
            told, found = [one.subject for one in received(lab, since)], failures(monitor, since)
        after = lab.status()
        sent = after["results_sent"] - sent
        assert sent > 0
        assert told == [] and not [one for one in found if "|hard|" in one], (told, found)
        since = time.time()
        subject = f"[CRITICAL] {of_role(lab, 'rsync')} rsync"
        with broken(lab, CASES["CHECK-RSYNC-1"]):  # the control: a fault is told, and stands in the history
            awaited(lab, since, subject, deadline_s=300)
        wait_until(lambda: [one for one in failures(monitor, since) if "|rsync|hard|" in one], reason="the fault in the history, which may be written after the mail", deadline_s=60)
    monitor.close()
    record_property("evidence", f"{SOAK_S:.0f} s of {after['hosts']['up']} hosts, intervals divided by {after['compress']}, {sent} results of agents, {after['checks_per_minute']:.0f} checks a minute of both kinds: no mail, no hard state, {len(found)} soft ones; then a fault: {subject}")

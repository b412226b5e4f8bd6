"""Each check of a service, with its priority, against the real service: good, then broken for real, then mended.

The check is the very command line that Icinga last ran, run on the monitor as the daemon's user; that Icinga itself turns is seen for some.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from provision import icinga_api
from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role
from tests.acceptance.mails import awaited
from vm.wait import wait_until

Command = tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """How a check's service is broken and mended on the fleet. intact: another check that has to stay good meanwhile."""

    service: str
    role: str
    priority: str
    breaks: tuple[Command, ...]
    mends: tuple[Command, ...]
    intact: str = ""


def away(path: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """A file or directory that is moved away and back."""
    return (("mv", path, f"{path}.away"),), (("mv", f"{path}.away", path),)


def stopped(unit: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """A unit that is stopped and started."""
    return (("systemctl", "stop", unit),), (("systemctl", "start", unit),)


JENKINS = "/usr/local/sbin/jenkins-mock"
INDEX = "/srv/website/index.html"


def rewritten(path: str, old: str, new: str, *then: Command) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """Words of a file that are other ones for a while."""
    return (("sed", "-i", f"s/{old}/{new}/", path), *then), (("sed", "-i", f"s/{new}/{old}/", path), *then)


CASES = {
    "CHECK-APT-1": Broken("apt-stable", "apt-repository", "critical", *away("/srv/apt-repository/dists/stable/InRelease"), intact="apt-frozen"),
    "CHECK-APT-2": Broken("apt-frozen", "apt-repository", "critical", *away("/srv/apt-repository/dists/frozen"), intact="apt-stable"),
    "CHECK-BT-1": Broken("seeding", "bittorrent", "low", *stopped("transmission-daemon")),
    "CHECK-GIT-1": Broken("git-git", "gitolite", "medium", *stopped("git-daemon"), intact="git-ssh"),
    "CHECK-GIT-1 by SSH": Broken("git-ssh", "gitolite", "medium", *away("/var/lib/gitolite3/repositories/testing.git")),
    "CHECK-ANNEX-1": Broken("tor-browser-archive", "git-annex", "high", *away("/srv/annex/tor-browser")),
    "CHECK-JENKINS-1": Broken("jenkins", "jenkins", "critical", *rewritten(JENKINS, "answer(403", "answer(200", ("systemctl", "restart", "jenkins-mock"))),
    "CHECK-NIGHTLY-1": Broken("nightly-builds", "nightly-builds", "critical", *away("/srv/nightly/stable")),
    "CHECK-RSYNC-1": Broken("rsync", "rsync", "critical", *away("/srv/rsync/archive/old")),
    "CHECK-TEST-2": Broken("test-suite-sftp", "test-suite", "high", *away("/srv/sftp-test/README"), intact="test-suite-ssh"),
    "CHECK-WEB-1": Broken("website", "website", "critical", *rewritten(INDEX, "Welcome to the project", "Out of order")),
    "CHECK-WB-1": Broken("smtp", "whisperback", "high", *stopped("postfix")),
    "CHECK-WB-2": Broken("mail-relay", "whisperback", "medium", *stopped("mail-sink"), intact="smtp"),
    "CHECK-XMPP-1": Broken(
        "xmpp", "xmpp", "medium", (("systemctl", "kill", "--signal=STOP", "prosody"),), (("systemctl", "kill", "--signal=CONT", "prosody"),)
    ),
}


@cache
def executed(lab: LiveLab) -> dict[tuple[str, str], dict[str, Any]]:
    """What Icinga has of each service: its last command line and its priority, by host and name."""
    attributes = "&".join(f"attrs={name}" for name in ("name", "host_name", "last_check_result", "vars", "state"))
    found = [one["attrs"] for one in icinga_api.get(lab.api(), f"/v1/objects/services?{attributes}")]
    return {(one["host_name"], one["name"]): one for one in found}


def answer(lab: LiveLab, monitor: Machine, role: str, service: str) -> tuple[int, str]:
    """State and words of a check, made now as Icinga makes it."""
    argv = executed(lab)[of_role(lab, role), service]["last_check_result"]["command"]
    done = monitor.run(["runuser", "-u", "nagios", "--", *argv], check=False, timeout_s=90)
    return done.returncode, done.stdout.strip()


@contextmanager
def broken(lab: LiveLab, case: Broken) -> Iterator[None]:
    """The service broken meanwhile."""
    fleet = lab.machine("fleet")
    try:
        for argv in case.breaks:
            fleet.run(argv)
        yield
    finally:
        for argv in case.mends:
            fleet.run(argv)
        fleet.close()


@pytest.mark.parametrize("case", [pytest.param(case, id=name, marks=pytest.mark.requirement(name.split()[0])) for name, case in CASES.items()])
def test_a_broken_service_turns_its_check_and_a_mended_one_turns_it_back(lab: LiveLab, case: Broken, record_property: Any) -> None:
    monitor = lab.machine("monitor")
    assert executed(lab)[of_role(lab, case.role), case.service]["vars"]["priority"] == case.priority
    good = answer(lab, monitor, case.role, case.service)
    assert good[0] == 0, good
    with broken(lab, case):
        bad = answer(lab, monitor, case.role, case.service)
        record_property("evidence", f"{case.service}, {case.priority}: {' ; '.join(' '.join(argv) for argv in case.breaks)}: {bad[1].splitlines()[0][:200]}")
        assert bad[0] == 2, bad
        if case.intact:
            assert answer(lab, monitor, case.role, case.intact)[0] == 0
    wait_until(lambda: answer(lab, monitor, case.role, case.service)[0] == 0, reason=f"{case.service} is good again", deadline_s=60, interval_s=2)
    monitor.close()


@pytest.mark.requirement("CHECK-TEST-1")
def test_an_ssh_server_that_cannot_be_reached_turns_its_check(lab: LiveLab, record_property: Any) -> None:
    """By a packet filter for the host's own address: the fleet's one SSH server is what this test itself comes through."""
    monitor, fleet = lab.machine("monitor"), lab.machine("fleet")
    argv = executed(lab)[of_role(lab, "test-suite"), "test-suite-ssh"]["last_check_result"]["command"]
    target = next(word for word in argv if word.count(".") == 3 and word.replace(".", "").isdigit())
    assert answer(lab, monitor, "test-suite", "test-suite-ssh")[0] == 0
    rules = f"table inet broken {{\n chain input {{\n  type filter hook input priority -10\n  ip daddr {target} tcp dport 22 drop\n }}\n}}\n"
    fleet.run(["nft", "--file", "-"], input=rules)
    try:
        bad = answer(lab, monitor, "test-suite", "test-suite-ssh")
    finally:
        fleet.run(["nft", "delete", "table", "inet", "broken"])
    record_property("evidence", f"test-suite-ssh, high: {bad[1][:200]}")
    assert bad[0] == 2, bad
    assert answer(lab, monitor, "test-suite", "test-suite-ssh")[0] == 0
    monitor.close()
    fleet.close()


TOLD_S = 60 + 2 * 30 + 3 * 20 + 30
"""A check's interval, two retries, three time-outs of its plugin at most, and the way of the mail."""


@pytest.mark.thorough
@pytest.mark.requirement("CHECK-WEB-1", "CHECK-XMPP-1", "CHECK-JENKINS-1", "WHY-4")
def test_icinga_itself_turns_and_turns_back_and_tells(lab: LiveLab, record_property: Any) -> None:
    """Those that it checks every minute, all at once; how long it takes until people know."""
    names = ("CHECK-WEB-1", "CHECK-XMPP-1", "CHECK-JENKINS-1")
    cases = [CASES[name] for name in names]
    own = [(of_role(lab, case.role), case.service) for case in cases]

    def states() -> list[int]:
        executed.cache_clear()
        return [int(executed(lab)[one]["state"]) for one in own]

    began = time.time()
    with broken(lab, cases[0]), broken(lab, cases[1]), broken(lab, cases[2]):
        wait_until(lambda: states() == [2, 2, 2], reason="Icinga finds all three broken", deadline_s=180, interval_s=3)
        subjects = [f"[CRITICAL] {host} {name}" for host, name in own]
        mails = awaited(lab, began, *subjects, deadline_s=TOLD_S)
    for subject in subjects:
        told_s = min(one.accepted_at for one in mails if one.subject == subject) - began
        record_property("evidence", f"{subject}: told {told_s:.0f} s after it broke")
        assert told_s <= TOLD_S
    wait_until(lambda: states() == [0, 0, 0], reason="Icinga finds all three mended", deadline_s=180, interval_s=3)

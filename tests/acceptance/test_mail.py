"""What people get by mail: who is in charge, after how many failures, whatever a check says, and however often somebody who holds a host's key says it."""

from __future__ import annotations

import time

import pytest

from provision.protocol.icinga import State
from provision.pusher_spec import StateModel
from tests.acceptance.conftest import LiveLab
from tests.acceptance.mails import behaving, like, limited, mails, speaking, wait_for_mails

FAILING = (2.0, StateModel(kind="failing"))
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Received",
}  # fmt: skip
HOSTILE = (
    "", "x" * 65536, "line\nBcc: everybody@example.org\nline", "\n.\n", "~!touch /tmp/by-mail", "\x1b[2J\x07\x00end", "\u202efdp.exe", "$user.name$ $(id) `id` %s",
    "Subject: other\r\n\r\nother", "ü" * 30000,
)  # fmt: skip
CYCLE = [State.CRITICAL] * 3 + [State.OK] * 17
"""Becomes hard and recovers, too seldom for Icinga's flapping (high at 30 %)."""


def of_role(lab: LiveLab, role: str, number: int = 0) -> str:
    """A host of a role."""
    return [name for name in lab.hosts if name.startswith(role.replace("_", "-"))][number]


@pytest.mark.requirement("UI-1")
def test_ui1_a_problem_and_its_end_are_one_mail_each_to_those_in_charge(lab: LiveLab) -> None:
    website, other = of_role(lab, "website"), of_role(lab, "rsync")
    began = time.time()
    with limited(lab):
        with behaving(lab, like({(website, "disk"): FAILING, (other, "disk"): FAILING})):
            wait_for_mails(lab, began, lambda got: len(got) >= 3, "a mail for each of those in charge")
            time.sleep(10)  # more results of the same: no more mails
        got = wait_for_mails(lab, began, lambda got: len(got) >= 6, "the same for the recoveries", deadline_s=90)
        time.sleep(5)
        got = mails(lab, began)
    ends = {(one.to, one.subject.split("] ")[1], "[OK]" in one.subject) for one in got}
    people = {("sysadmins", website), ("web-team", website), ("sysadmins", other)}
    assert len(got) == 6 and ends == {(person, f"{host} disk", end) for person, host in people for end in (False, True)}
    assert all(set(one.message.keys()) == HEADERS for one in got)


@pytest.mark.requirement("UI-4")
def test_ui4_single_failures_that_recover_are_no_mail_and_three_in_a_row_are_one(lab: LiveLab) -> None:
    host = of_role(lab, "xmpp")
    began = time.time()
    with limited(lab), behaving(lab, like({(host, "memory"): (1.0, StateModel(kind="soft", every=4)), (host, "disk"): FAILING})):
        wait_for_mails(lab, began, len, "a mail of what fails each time")
        time.sleep(20)
        got = mails(lab, began)
    assert [one.subject.split("] ")[1] for one in got] == [f"{host} disk"]


@pytest.mark.requirement("UI-1")
def test_ui1_whatever_a_check_says_is_one_mail_with_our_headers(lab: LiveLab) -> None:
    host = of_role(lab, "gitolite")
    began = time.time()
    with limited(lab, per_host=100, per_person=100), speaking(lab, host) as (speaker, titles):
        for number, output in enumerate(HOSTILE):
            title = titles[number % len(titles)]
            for _ in range(3):
                speaker.say(title, State.CRITICAL, output)
            speaker.say(title, State.OK, "good again")
            time.sleep(0.5)
        wait_for_mails(lab, began, lambda got: len(got) >= 2 * len(HOSTILE), "a mail for each problem and each recovery")
        time.sleep(5)
        got = mails(lab, began)
        machine = lab.machine("monitor")
        assert machine.run(["test", "-e", "/tmp/by-mail"], check=False).returncode == 1
        machine.close()
    problems = [one for one in got if "[OK]" not in one.subject]
    assert (len(problems), len(got)) == (len(HOSTILE), 2 * len(HOSTILE))
    assert all(set(one.message.keys()) == HEADERS and one.to == "sysadmins" for one in got)
    assert all(line.isprintable() for one in got for line in one.body.split("\n"))
    assert all(len(one.message.as_bytes()) < 100_000 for one in got)


def flood(lab: LiveLab, victim: str, other: str, results: int) -> tuple[float, float]:
    """So many results of all checks of a host, while another host has a real problem; when it began and ended."""
    began = time.time()
    with speaking(lab, victim) as (speaker, titles), behaving(lab, like({(other, "disk"): FAILING})):
        for number in range(results):
            speaker.say(titles[number % len(titles)], CYCLE[number // len(titles) % len(CYCLE)], f"result {number}")
        wait_for_mails(lab, began, lambda got: any(other in one.subject for one in got), "the mail of the other host", deadline_s=90)
    return began, time.time()


@pytest.mark.requirement("THREAT-A2")
def test_threat_a2_who_holds_a_hosts_key_floods_nobody_and_hides_nothing(lab: LiveLab) -> None:
    """The budgets at a thirtieth of their time."""
    victim, other = of_role(lab, "bittorrent"), of_role(lab, "jenkins")
    with limited(lab, window_s=120, per_host=5, per_person=15, digest_s=30, settle_s=1, early_s=5):
        began, _ = flood(lab, victim, other, 1000)
        got = wait_for_mails(lab, began, lambda got: any("DIGEST" in one.subject and victim in one.body for one in got), "a digest", deadline_s=60)
    singles = [one for one in got if "DIGEST" not in one.subject and victim in one.subject]
    assert 0 < len([one for one in singles if "[OK]" not in one.subject]) <= 5 and len(singles) <= 10
    genuine = next(one for one in got if other in one.subject)
    assert genuine.at - float(genuine.message["Date"].datetime.timestamp()) <= 60


@pytest.mark.requirement("THREAT-A2")
def test_threat_a2_control_without_limits_the_same_is_a_flood(lab: LiveLab) -> None:
    victim, other = of_role(lab, "bittorrent"), of_role(lab, "jenkins")
    with limited(lab, per_host=1000, per_person=1000):
        began, _ = flood(lab, victim, other, 1000)
        got = wait_for_mails(lab, began, lambda got: len([one for one in got if victim in one.subject]) >= 90, "a flood", deadline_s=120)
    assert not [one for one in got if "DIGEST" in one.subject]

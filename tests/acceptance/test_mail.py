"""Who is told by mail, of what and how often (UI-1, UI-4), and that who holds an agent's key can not flood them (THREAT-A2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from provision import icinga_api
from provision.protocol.icinga import State
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role, service
from tests.acceptance.mails import Mail, awaited, quiet, received
from tests.acceptance.notifier_limits import NONE, Scaled, limited
from tests.acceptance.speaker import Speaker, speaking
from vm.wait import wait_until

GOOD = 17
"""Good results after each problem: two changes in twenty results stay below every threshold of flapping."""
SETTLE_S = 8
SEND_S = 10
"""In which a notification becomes an accepted mail when nothing is in the way."""
EVIL = "disk full\nBcc: evil@example.org\n\x1b[2J$host.name$ `id` $(id) \u202e--help"


def fail(speaker: Speaker, title: str, times: int, output: str = "broken") -> None:
    """So many bad results in a row."""
    for _ in range(times):
        speaker.say(title, State.CRITICAL, output)
        time.sleep(0.05)


def calm(speaker: Speaker, *titles: str, settle_s: float = 2) -> None:
    """So many good results that Icinga sees no flapping, whatever was before.

    settle_s: Icinga tells of an end that flapping kept back within some seconds; a problem that came first would be none that is new.
    """
    for title in titles:
        for _ in range(20):
            speaker.say(title, State.OK, "mended")
            time.sleep(0.01)
    time.sleep(settle_s)


def attempts(lab: LiveLab, host: str) -> dict[str, int]:
    """max_check_attempts of a host's services, by name."""
    found = [one["attrs"] for one in icinga_api.get(lab.api(), "/v1/objects/services?attrs=name&attrs=host_name&attrs=max_check_attempts")]
    return {one["name"]: int(one["max_check_attempts"]) for one in found if one["host_name"] == host}


def to(mails: list[Mail], person: str) -> list[Mail]:
    """Those that went to a person."""
    return [one for one in mails if any(address.startswith(f"{person}@") for address in one.recipients)]


@pytest.fixture(scope="module", autouse=True)
def fresh(lab: LiveLab) -> Iterator[None]:
    """A notifier that has sent nothing yet: what tests before this one broke has used up budgets."""
    with limited(lab, Scaled(window_s=3600)):
        yield


@pytest.mark.requirement("UI-1")
@pytest.mark.parametrize(("role", "people"), [("website", {"sysadmins", "web-team"}), ("gitolite", {"sysadmins"})])
def test_ui1_who_is_in_charge_is_told_of_a_problem_and_of_its_end(lab: LiveLab, role: str, people: set[str], record_property: Any) -> None:
    host = of_role(lab, role)
    with speaking(lab, host) as (speaker, titles):
        title = titles[0]
        calm(speaker, title, settle_s=SETTLE_S)
        since = time.time()
        fail(speaker, title, attempts(lab, host)[title], EVIL)
        found = awaited(lab, since, f"[CRITICAL] {host} {title}")
        calm(speaker, title)
        awaited(lab, since, f"[OK] {host} {title}")
    found = [one for one in quiet(lab, 2, since) if host in one.subject and title in one.subject]
    assert {address.split("@")[0] for one in found for address in one.recipients} == people
    assert len(found) == 2 * len(people), [one.subject for one in found]
    problem = found[0]
    assert "Bcc" not in problem.message and "\x1b" not in problem.body and "\u202e" not in problem.body
    assert "| Bcc: evil@example.org" in problem.body and "$(id)" in problem.body, "what the check said is there, as marked text"
    record_property("evidence", f"{problem.subject} to {', '.join(sorted(people))}, {problem.accepted_at - since:.1f} s after the first bad result")


@pytest.mark.requirement("UI-4")
def test_ui4_a_mail_comes_after_n_failures_in_a_row_and_not_before(lab: LiveLab, record_property: Any) -> None:
    host = of_role(lab, "rsync")
    wanted = attempts(lab, host)
    with speaking(lab, host) as (speaker, titles):
        some = {title: wanted[title] for title in titles if title in ("memory", "disk")}
        assert len(set(some.values())) == 2, f"two checks with another N each: {some}"
        calm(speaker, *some, settle_s=SETTLE_S)
        since = time.time()
        for title, number in some.items():
            fail(speaker, title, number - 1)
        early = quiet(lab, SEND_S, since)
        assert not [one for one in early if host in one.subject], "none before the Nth"
        for title in some:
            fail(speaker, title, 1)
        awaited(lab, since, *(f"[CRITICAL] {host} {title}" for title in some))
        calm(speaker, *some)
        awaited(lab, since, *(f"[OK] {host} {title}" for title in some))
    record_property("evidence", f"mail after {', '.join(f'{number} failures of {title}' for title, number in some.items())}, none after one less")


def flood(speaker: Speaker, titles: list[str], results: int, attempts_of: dict[str, int]) -> None:
    """Hard problems and their ends, as fast as the monitor takes them, of all services in turn; rarely enough that Icinga does not take it for flapping."""
    said = 0
    while said < results:
        for title in titles:
            for state, times in ((State.CRITICAL, attempts_of[title]), (State.OK, GOOD)):
                for _ in range(times):
                    speaker.say(title, state, f"flood {said}")
                    said += 1
        time.sleep(0.02)


def told_of(mails: list[Mail], host: str, person: str) -> tuple[list[Mail], list[Mail]]:
    """A person's mails of a host's own events, and digests that name it."""
    own = to(mails, person)
    return [one for one in own if host in one.subject and "DIGEST" not in one.subject], [one for one in own if "DIGEST" in one.subject and host in one.body]


def against_a_flood(lab: LiveLab, factor: float, results: int) -> str:
    """Three windows of flood with limits made quicker by a factor; what came of it, in words."""
    thief, other = of_role(lab, "bittorrent"), of_role(lab, "gitolite")
    limits = Scaled.by(factor)
    wanted = attempts(lab, thief)
    with limited(lab, limits), speaking(lab, other) as (honest, honest_titles), speaking(lab, thief) as (speaker, titles):
        calm(honest, honest_titles[0])
        calm(speaker, *titles, settle_s=SETTLE_S)
        since = began = time.time()
        while time.time() - began < 3 * limits.window_s:
            flood(speaker, titles, results // 3, wanted)
            if not since_told(lab, other, since):
                fail(honest, honest_titles[0], attempts(lab, other)[honest_titles[0]], "genuine")
                genuine_at = time.time()
                awaited(lab, since, f"[CRITICAL] {other} {honest_titles[0]}")
            time.sleep(max(0.0, limits.window_s / 10))
        mails = quiet(lab, limits.digest_s + SEND_S, since)
        calm(speaker, *titles)
        calm(honest, honest_titles[0])
    problems, digests = told_of(mails, thief, "sysadmins")
    genuine = next(one for one in mails if one.subject == f"[CRITICAL] {other} {honest_titles[0]}")
    assert genuine.accepted_at - genuine_at <= 60
    windows = (time.time() - began) / limits.window_s + 1
    assert 1 <= len(problems) <= 2 * limits.per_host * windows, "problems and their ends, ten each in any window"
    for at in (one.accepted_at for one in problems):
        of_window = [one for one in problems if at <= one.accepted_at < at + limits.window_s]
        # a mail takes a moment from its decision to the sink: one window's last and the next one's first may meet
        assert len(of_window) <= 2 * limits.per_host + 2
    assert digests, "never silent: a digest names who floods"
    return f"{len(problems)} mails and {len(digests)} digests of {thief} in {windows:.1f} windows; a genuine alert of {other} after {genuine.accepted_at - genuine_at:.1f} s"


def since_told(lab: LiveLab, host: str, since: float) -> bool:
    """Whether a mail of a host came."""
    return any(host in one.subject for one in received(lab, since))


@pytest.mark.requirement("THREAT-A2")
def test_a2_who_floods_is_held_and_a_genuine_alert_of_another_host_comes_through(lab: LiveLab, record_property: Any) -> None:
    record_property("evidence", against_a_flood(lab, factor=90, results=1000))


@pytest.mark.requirement("THREAT-A2")
def test_a2_control_without_limits_the_same_flood_is_a_hundred_mails(lab: LiveLab, record_property: Any) -> None:
    thief = of_role(lab, "bittorrent")
    with limited(lab, NONE), speaking(lab, thief) as (speaker, titles):
        calm(speaker, *titles, settle_s=SETTLE_S)
        since = time.time()
        flood(speaker, titles, 3000, attempts(lab, thief))

        def many() -> int:
            return len(told_of(received(lab, since), thief, "sysadmins")[0])

        wait_until(lambda: many() >= 100, reason="a hundred mails", deadline_s=120)
        calm(speaker, *titles)
        wait_until(lambda: service(lab, thief, titles[0])["state"] == 0, reason="it is over", deadline_s=20)
        settled(lab, since)
    record_property("evidence", f"{many()} mails without limits")


def settled(lab: LiveLab, since: float) -> None:
    """Wait until no more mails come."""
    before = -1
    while (now := len(received(lab, since))) != before:
        before = now
        time.sleep(3)

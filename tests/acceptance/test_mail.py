"""Who is told by mail, of what and how often (UI-1, UI-4), and that who holds an agent's key can not flood them (THREAT-A2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
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


def attempts(lab: LiveLab, host: str, titles: Collection[str]) -> dict[str, int]:
    """max_check_attempts of some of a host's services, by name."""
    found = [one["attrs"] for one in icinga_api.get(lab.api(), "/v1/objects/services?attrs=name&attrs=host_name&attrs=max_check_attempts")]
    return {one["name"]: int(one["max_check_attempts"]) for one in found if one["host_name"] == host and one["name"] in titles}


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
        fail(speaker, title, attempts(lab, host, titles)[title], EVIL)
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
    with speaking(lab, host) as (speaker, titles):
        wanted = attempts(lab, host, titles)
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


def pattern(number: int, attempts_of: int) -> State:
    """A hard problem and its end again and again, rarely enough that Icinga does not take it for flapping."""
    return State.CRITICAL if number % (attempts_of + GOOD) < attempts_of else State.OK


class Flood:
    """So many results of all of a host's services in turn, evenly over a time, from a thread of its own."""

    def __init__(self, speaker: Speaker, attempts_of: dict[str, int], results: int, lasts_s: float) -> None:
        self.said, self.results = 0, results
        self._speaker, self._attempts, self._lasts_s = speaker, attempts_of, lasts_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def lasts(self) -> bool:
        """Whether more is to come."""
        return self._thread.is_alive() and self.said < self.results

    def _run(self) -> None:
        began, titles = time.monotonic(), list(self._attempts)
        while self.said < self.results and not self._over.is_set():
            turn, of = divmod(self.said, len(titles))
            self._speaker.say(titles[of], pattern(turn, self._attempts[titles[of]]), f"flood {self.said}")
            self.said += 1
            self._over.wait(max(0.0, began + self.said * self._lasts_s / self.results - time.monotonic()))

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)


def told_of(mails: list[Mail], host: str, person: str) -> tuple[list[Mail], list[Mail]]:
    """A person's mails of a host's own events, and digests that name it."""
    own = to(mails, person)
    return [one for one in own if host in one.subject and "DIGEST" not in one.subject], [one for one in own if "DIGEST" in one.subject and host in one.body]


def most(mails: list[Mail], window_s: float) -> int:
    """The most mails that were accepted in any window."""
    times = [one.accepted_at for one in mails]
    return max((sum(at <= other < at + window_s for other in times) for at in times), default=0)


WINDOWS = 3
GENUINE = ("disk", "puppet", "apt")
"""One for each window, of those whose silence for so long is no problem by itself."""
FLOODS = {"bittorrent": 1000, "rsync": 100_000}
"""Who floods, by role, and with how many results in all windows together."""
IN_TRANSIT = 2
"""A mail takes a moment from its decision to the sink: one window's last and the next one's first may meet."""


@pytest.mark.requirement("THREAT-A2")
@pytest.mark.parametrize("scale", [90, pytest.param(30, marks=pytest.mark.thorough)])
def test_a2_who_floods_is_held_and_a_genuine_alert_of_another_host_comes_through_meanwhile(lab: LiveLab, scale: int, record_property: Any) -> None:
    """Three windows with a fraction of the real limits' times; in each another host has a genuine problem when those who flood have used up their budgets."""
    other, limits = of_role(lab, "gitolite"), Scaled.by(scale)
    thieves = {of_role(lab, role): results for role, results in FLOODS.items()}
    with limited(lab, limits), ExitStack() as places:
        speakers = {host: places.enter_context(speaking(lab, host)) for host in (*thieves, other)}
        for speaker, titles in speakers.values():
            calm(speaker, *titles, settle_s=SETTLE_S / 2)
        honest, since, took = speakers[other][0], time.time(), []
        with ExitStack() as started:
            floods = [
                started.enter_context(Flood(speakers[thief][0], attempts(lab, thief, speakers[thief][1]), results, WINDOWS * limits.window_s))
                for thief, results in thieves.items()
            ]
            for window, (title, times) in enumerate(attempts(lab, other, GENUINE).items()):
                time.sleep(max(0.0, since + (window + 0.5) * limits.window_s - time.time()))
                before, raised = [one.said for one in floods], time.time()
                fail(honest, title, times, "genuine")
                took.append(told_at(lab, since, f"[CRITICAL] {other} {title}") - raised)
                assert all(one.lasts and one.said > known for one, known in zip(floods, before, strict=True)), "the flood goes on while the alert is accepted"
            wait_until(lambda: not any(one.lasts for one in floods), reason="the whole flood is sent", deadline_s=limits.window_s)
            said = [one.said for one in floods]
        mails = quiet(lab, limits.digest_s + SEND_S, since)
        for speaker, titles in speakers.values():
            calm(speaker, *titles)
    assert said == list(thieves.values())
    assert len(took) == WINDOWS and max(took) <= 60, took
    record_property("evidence", f"genuine alerts of {other} in the midst of it after {', '.join(f'{one:.1f} s' for one in took)}")
    for thief, results in thieves.items():
        problems, digests = told_of(mails, thief, "sysadmins")
        assert 1 <= most(problems, limits.window_s) <= 2 * limits.per_host + IN_TRANSIT, "problems and their ends, ten each in any window"
        assert digests, "never silent: a digest names who floods"
        record_property("evidence", f"{thief}: {results} results, {len(problems)} mails and {len(digests)} digests in {WINDOWS} windows of {limits.window_s:.0f} s")
    single = [one for one in to(mails, "sysadmins") if "DIGEST" not in one.subject]
    assert most(single, limits.window_s) <= 2 * limits.per_person + IN_TRANSIT


def told_at(lab: LiveLab, since: float, subject: str) -> float:
    """When the first mail with a subject was accepted, which may still have to come."""
    return min(one.accepted_at for one in awaited(lab, since, subject) if one.subject == subject)


@pytest.mark.requirement("THREAT-A2")
def test_a2_control_without_limits_the_same_flood_is_a_hundred_mails(lab: LiveLab, record_property: Any) -> None:
    thief = of_role(lab, "bittorrent")
    with limited(lab, NONE), speaking(lab, thief) as (speaker, titles):
        calm(speaker, *titles, settle_s=SETTLE_S)
        since = time.time()

        def many() -> int:
            return len(told_of(received(lab, since), thief, "sysadmins")[0])

        with Flood(speaker, attempts(lab, thief, titles), 3000, lasts_s=10):
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

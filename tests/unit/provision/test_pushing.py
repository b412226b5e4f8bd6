"""Ready means good: a state that stays bad is waited for once, within a deadline, and then named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from provision import icinga_api, pushing
from provision.icinga_api import IcingaStatus, Trouble
from provision.ledger import Ledger
from provision.stages import Work, fleet, monitor
from vm import lab
from vm.errors import WatchpostError
from vm.progress import Stages
from vm.wait import Clock

NGINX = Trouble(host="web-001.lab.test", service="http", state="CRITICAL", output="connect refused\nand more")
DISK = Trouble(host="git-001.lab.test", service="disk", state="WARNING", output="")
APT = Trouble(host="agent-trixie.lab.test", service="apt", state="CRITICAL", output="apt-get update has never succeeded")
REAL = ("agent-trixie.lab.test",)
AT = icinga_api.ApiAccess(address="127.0.0.1", ca=Path(), certificate=Path(), key=Path())


def counted(**services: int) -> IcingaStatus:
    """Icinga's counts with one host, up and connected."""
    none = dict.fromkeys(("warning", "critical", "unknown", "pending"), 0)
    return IcingaStatus(
        version="r2", uptime_s=1, hosts={"up": 1, "down": 0, "pending": 0}, services=none | {"ok": 3} | services, endpoints=1, endpoints_connected=1,
        endpoints_missing=(), active_checks_per_minute=0, passive_checks_per_minute=0,
    )  # fmt: skip


class Time:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = Clock(now=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: tuple[Trouble, ...] | WatchpostError) -> list[int]:
    """What is bad, look by look of Icinga's counts; the last answer stays. Returns how often the expensive list was asked for."""
    looks = [0]
    lists: list[int] = []

    def now() -> tuple[Trouble, ...]:
        found = rounds[min(looks[0], len(rounds)) - 1]
        if isinstance(found, WatchpostError):
            raise found
        return found

    def count(_: icinga_api.ApiAccess) -> IcingaStatus:
        looks[0] += 1
        states = [one.state.lower() for one in now()]
        return counted(**{state: states.count(state) for state in states})

    monkeypatch.setattr(icinga_api, "status", count)
    monkeypatch.setattr(icinga_api, "troubles", lambda _: lists.append(1) or now())
    return lists


@pytest.mark.parametrize(("found", "good"), [((), True), ((DISK,), True), ((NGINX,), False), ((NGINX, DISK), False), ((APT,), True), ((APT, NGINX), False)])
def test_a_lab_with_a_bad_state_is_not_left_alone(monkeypatch: pytest.MonkeyPatch, found: tuple[Trouble, ...], good: bool) -> None:
    lists = answers(monkeypatch, found)
    assert pushing.stays_good(AT, REAL) is good
    assert len(lists) == bool(found), "counts are enough where all is good"


def test_what_becomes_good_is_waited_for_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    lists = answers(monkeypatch, (NGINX,), WatchpostError("Icinga reloads"), (NGINX, DISK), (DISK,), ())
    assert pushing.settle(AT, (), 60, time.clock) == ()
    assert 0 < time.seconds < 15 and len(lists) == 1, "the list is no loop's"


def test_what_is_good_or_acknowledged_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    lists = answers(monkeypatch, ())
    assert pushing.settle(AT, (), 60, time.clock) == () and (time.seconds, lists) == (0, [])
    answers(monkeypatch, (NGINX,))
    monkeypatch.setattr(icinga_api, "troubles", lambda _: ())
    assert pushing.settle(AT, (), 60, time.clock) == () and time.seconds == 0


def test_what_is_bad_for_its_past_alone_is_waited_for_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Icinga's counts have it, the list has not."""
    time = Time()
    answers(monkeypatch, (NGINX,))
    listed = [(), (NGINX,)]
    monkeypatch.setattr(icinga_api, "troubles", lambda _: listed.pop() if listed else ())
    assert pushing.settle(AT, (), 60, time.clock) == () and 0 < time.seconds <= 3 * pushing.LISTED_EACH


def test_what_stays_bad_is_named_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    answers(monkeypatch, (NGINX,))
    assert pushing.settle(AT, (), 60, time.clock) == (NGINX,)
    assert 60 <= time.seconds < 70
    answers(monkeypatch, WatchpostError("Icinga's API does not answer"))
    assert "does not answer" in str(pushing.settle(AT, (), 1, time.clock)[0]), "what cannot be asked is not good"


def test_a_real_machines_troubles_are_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    answers(monkeypatch, (APT,))
    assert pushing.settle(AT, REAL, 60, time.clock) == (APT,) and time.seconds == 0
    answers(monkeypatch, (APT, NGINX), (APT, NGINX), (APT, NGINX), (APT,))
    assert pushing.settle(AT, REAL, 60, time.clock) == (APT,) and 0 < time.seconds <= 30
    assert pushing.settle(AT, (), 60, time.clock) == (APT,) and time.seconds > 60, "the control: of a host of the lab's own"


def test_critical_ends_the_command_and_a_warning_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "settle", lambda *_: (DISK, NGINX, APT))
    with pytest.raises(WatchpostError, match=r"web-001.lab.test http CRITICAL: connect refused\n"):
        pushing.must_be_good(AT, REAL)
    monkeypatch.setattr(pushing, "settle", lambda *_: (DISK, APT))
    told = pushing.must_be_good(AT, REAL)
    assert "git-001.lab.test disk WARNING: it said nothing" in told and "agent-trixie.lab.test apt CRITICAL: apt-get update" in told
    with pytest.raises(WatchpostError, match="agent-trixie"):
        pushing.must_be_good(AT)
    monkeypatch.setattr(pushing, "settle", lambda *_: ())
    assert pushing.must_be_good(AT, REAL) == ""


def test_a_few_of_many_are_named_the_worst_first() -> None:
    down = Trouble(host="x.lab.test", service="", state="DOWN", output="no route")
    lines = pushing.in_words([DISK] * 20 + [NGINX, down]).strip().splitlines()
    assert lines[0] == "x.lab.test DOWN: no route" and len(lines) == pushing.SHOWN + 1 and lines[-1].strip() == f"and {22 - pushing.SHOWN} more"


def test_ready_is_done_again_when_the_web_or_a_state_is_bad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Plan:
        nodes, ca, monitored, agents = tmp_path, tmp_path, 1, ()

    stages, waits = Stages(), []
    work = Work(lab.of_name("unit-none"), cast(Any, Plan), Ledger(tmp_path / "stages.json", stages), stages, cast(Any, None))
    services: dict[str, int] = {}
    web_refuses = False

    def web(_: Work, deadline_s: float = 120) -> str:
        if web_refuses and deadline_s < 120:
            raise WatchpostError("no log-in")
        return "the web lets its user in"

    monkeypatch.setattr(pushing, "access", lambda *_: AT)
    monkeypatch.setattr(icinga_api, "status", lambda _: counted(**services))
    monkeypatch.setattr(icinga_api, "troubles", lambda _: (NGINX,))
    monkeypatch.setattr(pushing, "must_be_good", lambda *_: waits.append(1) or "")
    monkeypatch.setattr(monitor, "web_answers", web)
    fleet.ready(work)
    fleet.ready(work)
    assert len(waits) == 1
    services["critical"] = 1
    fleet.ready(work)
    assert len(waits) == 2
    services.clear()
    web_refuses = True
    fleet.ready(work)
    assert len(waits) == 3

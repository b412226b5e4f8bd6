"""The notifier: what a person gets and when, whatever monitored machines send; and mails whose headers nobody can write but us."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FILES = Path(__file__).resolve().parents[3] / "puppet_fixtures" / "modules" / "notifier" / "files"
sys.path.insert(0, str(FILES))

from notifier import daemon  # noqa: E402
from notifier.event import Event, Malformed, parse  # noqa: E402
from notifier.letters import Site, letter  # noqa: E402
from notifier.limits import Limits  # noqa: E402
from notifier.store import Store  # noqa: E402

SITE = Site(name="monitor.lab.test", sender="watchpost@monitor.lab.test", web="https://monitor.lab.test/icingaweb2/")
NOW = 1_800_000_000.0
TOLD = {"person": "sysadmins", "kind": "PROBLEM", "host": "a.lab.test", "service": "disk", "state": "CRITICAL", "at": "1800000000", "output": "full"}


def event(host: str = "a.lab.test", service: str = "disk", kind: str = "Problem", state: str = "Critical", output: str = "full") -> Event:
    return Event(person="sysadmins", kind=kind, host=host, service=service, state=state, at=NOW, output=output)


def store(limits: Limits | None = None, path: Path | str = ":memory:") -> Store:
    return Store(path, {"sysadmins": "sysadmins@lab.test", "web-team": "web@lab.test"}, SITE, limits or Limits())


def read(mail: bytes) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(mail, policy=email.policy.default))


def outbox(kept: Store, now: float = NOW) -> list[EmailMessage]:
    """Everything that is to be sent, taken away."""
    found = []
    while mails := kept.due(now + 1e6):
        for number, _, mail in mails:
            found.append(read(mail))
            kept.done(number)
    return found


def body(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


def test_what_icinga_hands_over_is_read_with_the_header_that_logger_puts_before_it() -> None:
    read_event = parse(b"<13>Nov 26 00:00:00 icinga2: " + json.dumps(TOLD).encode())
    assert read_event == event()


@pytest.mark.parametrize(
    "datagram",
    [
        b"", b"{", b"[]", b"<13>x: none", b"{" * 100_000, json.dumps(TOLD | {"person": "Sys Admins"}).encode(), json.dumps(TOLD | {"host": "a\nBcc: x"}).encode(),
        json.dumps(TOLD | {"kind": "Party"}).encode(), json.dumps(TOLD | {"at": "soon"}).encode(), json.dumps(TOLD | {"service": "a/../b"}).encode(),
        json.dumps({**TOLD, "state": None}).encode()[:-1],
    ],
)  # fmt: skip
def test_what_icinga_can_not_have_sent_is_refused(datagram: bytes) -> None:
    with pytest.raises(Malformed):
        parse(datagram)


def test_a_problem_becomes_one_mail_that_says_what_where_and_since_when() -> None:
    kept = store()
    assert kept.accept(event(), NOW) == "send"
    (mail,) = outbox(kept)
    assert (mail["To"], mail["From"], mail["Subject"]) == ("sysadmins@lab.test", SITE.sender, "[CRITICAL] a.lab.test disk")
    assert mail["Date"].datetime.timestamp() == NOW
    assert "| full" in body(mail) and "2027-01-15 08:00:00 UTC" in body(mail)
    assert kept.accept(event(kind="Recovery", state="Ok", output="fine"), NOW) == "send"
    (answer,) = outbox(kept)
    assert answer["Subject"] == "[OK] a.lab.test disk" and answer["References"] == mail["References"]


def test_a_person_that_there_is_not_gets_nothing_and_it_is_said() -> None:
    kept = store()
    assert kept.accept(parse(json.dumps(TOLD | {"person": "stranger"}).encode()), NOW) == "nobody"
    assert outbox(kept) == []


HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}


@settings(max_examples=200)
@given(st.text(st.characters(codec="utf-8"), max_size=300), st.text(max_size=50))
def test_whatever_a_machine_says_ends_in_the_body_as_printable_text(output: str, comment: str) -> None:
    told = TOLD | {"output": output, "comment": comment, "author": output, "priority": output}
    read_event = parse(json.dumps(told).encode("utf-8", "surrogatepass"))
    mail = read(letter(read_event, "x@lab.test", SITE).as_bytes())
    assert set(mail.keys()) == HEADERS and mail["To"] == "x@lab.test"
    assert all(line.isprintable() for line in body(mail).split("\n"))
    said = body(mail).split("\nWhat the check said:\n")[1]
    assert all(line.startswith("| ") for line in said.strip("\n").split("\n"))


@pytest.mark.parametrize(
    "output", ["", "x" * 65536, "\n.\n", "~!touch /x", "\x1b[2J\x07", "Bcc: all@example.org\n\nSubject: x", "a\r\nb", "ü" * 9000, "\u202egnp.exe", "%s %n \\n"],
)  # fmt: skip
def test_hostile_outputs_give_one_mail_each_with_our_headers(output: str) -> None:
    kept = store()
    kept.accept(parse(json.dumps(TOLD | {"output": output}).encode()), NOW)
    (mail,) = outbox(kept)
    assert set(mail.keys()) == HEADERS and len(mail.as_bytes()) < 64 * 1024
    assert "\r\n.\r\n" not in mail.as_bytes(policy=email.policy.SMTP).decode()


def test_a_host_that_floods_is_held_after_its_budget_and_the_digest_names_it() -> None:
    kept = store()
    decisions = [kept.accept(event(service=f"s{number % 20}"), NOW + number) for number in range(1000)]
    assert decisions.count("send") == 10 and set(decisions) == {"send", "hold"}
    mails = outbox(kept)
    assert len(mails) == 10 and "used up its 10 mails" in body(mails[-1]) and "used up" not in body(mails[-2])
    assert kept.write_digests(NOW + 800) == []
    assert kept.write_digests(NOW + 10 + 900) == ["sysadmins"]
    (digest,) = outbox(kept)
    assert digest["Subject"] == "[DIGEST] 990 held: a.lab.test" and "990 held" in body(digest)
    assert kept.held("sysadmins") == []


def test_a_flood_takes_nothing_from_another_host() -> None:
    kept = store()
    for number in range(1000):
        kept.accept(event(service=f"s{number % 20}"), NOW + number / 100)
    assert kept.accept(event(host="b.lab.test"), NOW + 11) == "send"


@pytest.mark.parametrize("results", [1000, 100_000])
def test_hours_of_flood_by_the_real_limits_stay_within_every_hours_budget_and_a_genuine_problem_is_sent_each_hour(results: int) -> None:
    """Four hours; what Icinga tells of so many results is a problem and its end in every twenty of them."""
    limits, hours, told = Limits(), 4, results // 10
    kept, sent, digests, genuine = store(), [], 0, []
    for number in range(told):
        now = NOW + number * hours * limits.window_s / told
        kind, state = (("Problem", "Critical"), ("Recovery", "Ok"))[number % 2]
        one = event(service=f"s{number // 2 % 20}", kind=kind, state=state)
        if kept.accept(one, now) == "send":
            sent.append((now, one.family))
        if now >= NOW + (len(genuine) + 0.5) * limits.window_s:
            genuine.append(kept.accept(event(host="b.lab.test", service=f"s{len(genuine)}"), now))
        digests += len(kept.write_digests(now))
        kept.forget(now)
    assert genuine == ["send"] * hours
    for family in ("bad", "good"):
        of_hour = [sum(at - limits.window_s < other <= at for other, its in sent if its == family) for at, its in sent if its == family]
        assert max(of_hour) == limits.per_host, "the budget is used up and never exceeded"
    assert len(sent) == 2 * hours * limits.per_host and 1 <= digests <= hours * limits.window_s / limits.digest_s


def test_the_first_problem_of_a_quiet_host_comes_soon_though_everybody_floods() -> None:
    kept = store()
    for host in range(3):
        for number in range(20):
            kept.accept(event(host=f"h{host}.lab.test", service=f"s{number}"), NOW)
    assert kept.accept(event(host="quiet.lab.test"), NOW + 100) == "hold, urgent"
    outbox(kept)
    assert kept.write_digests(NOW + 105) == []
    assert kept.write_digests(NOW + 110) == ["sysadmins"]
    (mail,) = outbox(kept)
    assert "quiet.lab.test: 1 held" in body(mail)


def test_the_end_of_a_held_problem_is_told_by_the_same_digest() -> None:
    kept = store(Limits(per_host=1))
    kept.accept(event(), NOW)
    kept.accept(event(service="memory"), NOW)
    assert kept.accept(event(service="memory", kind="Recovery", state="Ok"), NOW + 5) == "hold"
    kept.write_digests(NOW + 2000)
    assert "memory: 2 held; last, at 2027-01-15 08:00:05 UTC: Recovery OK" in body(outbox(kept)[-1])


def test_recoveries_have_a_budget_of_their_own() -> None:
    kept = store(Limits(per_host=2))
    assert [kept.accept(event(service=f"s{number}"), NOW) for number in range(3)] == ["send", "send", "hold"]
    assert kept.accept(event(service="s0", kind="Recovery", state="Ok"), NOW) == "send"


def test_a_budget_comes_back_when_its_window_has_passed() -> None:
    kept = store(Limits(per_host=1, window_s=60))
    assert kept.accept(event(service="a"), NOW) == "send" and kept.accept(event(service="b"), NOW + 59) == "hold"
    assert kept.accept(event(service="c"), NOW + 61) == "send"


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 3), st.integers(0, 5), st.sampled_from(["Problem", "Recovery", "FlappingStart"])), max_size=300),
    st.integers(1, 4), st.integers(2, 8),
)  # fmt: skip
def test_whatever_comes_no_window_has_more_than_the_limits_and_nothing_is_lost(
    arrivals: list[tuple[float, int, int, str]], per_host: int, per_person: int
) -> None:
    limits = Limits(window_s=120, per_host=per_host, per_person=per_person, digest_s=30, settle_s=1, early_s=5, early_per_window=3)
    kept, now = store(limits), NOW
    sent: list[tuple[float, str, str]] = []
    digests: list[float] = []
    held = told = 0
    for wait, host, service, kind in arrivals:
        now += wait
        one = event(host=f"h{host}.lab.test", service=f"s{service}", kind=kind)
        if kept.accept(one, now) == "send":
            sent.append((now, one.host, one.family))
        else:
            held += 1
        before = sum(it.count for it in kept.held("sysadmins"))
        if kept.write_digests(now):
            digests.append(now)
            told += before
        kept.forget(now)
    for at, host_name, family in sent:
        window = [one for one in sent if at - limits.window_s < one[0] <= at and one[2] == family]
        assert len(window) <= per_person and sum(one[1] == host_name for one in window) <= per_host
    for at in digests:
        assert len([one for one in digests if at - limits.window_s < one <= at]) <= limits.window_s / limits.digest_s + limits.early_per_window + 1
    assert told + sum(it.count for it in kept.held("sysadmins")) == held


def test_a_restart_neither_forgets_nor_repeats(tmp_path: Path) -> None:
    kept = store(Limits(per_host=1), tmp_path / "state")
    kept.accept(event(), NOW)
    kept.accept(event(service="memory"), NOW)
    kept.close()
    again = store(Limits(per_host=1), tmp_path / "state")
    assert again.accept(event(service="cpu"), NOW + 1) == "hold"
    assert len(outbox(again)) == 1 and {one.service for one in again.held("sysadmins")} == {"memory", "cpu"}


def test_a_mail_that_is_not_taken_waits_longer_each_time_and_is_not_lost() -> None:
    kept = store()
    kept.accept(event(), NOW)
    ((number, _, _),) = kept.due(NOW)
    assert [kept.again(number, NOW) for _ in range(5)] == [10, 30, 60, 300, 300]
    assert kept.due(NOW + 299) == [] and len(kept.due(NOW + 300)) == 1


@contextmanager
def running(state: Path, taken: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch, limits: Limits | None = None) -> Iterator[socket.socket]:
    """A notifier whose mail server is a list; the socket that events go to."""
    monkeypatch.setattr(daemon, "hand_over", lambda server, sender, address, mail: taken.append((address, mail)))
    monkeypatch.setattr(daemon, "TICK_S", 0.01)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    made = daemon.Notifier(state, {"sysadmins": "sysadmins@lab.test"}, SITE, limits or Limits(), ("127.0.0.1", 25))
    thread = threading.Thread(target=made.serve, args=(theirs,))
    thread.start()
    try:
        yield ours
    finally:
        made.stop()
        ours.send(b"end")
        thread.join(5)
        ours.close()
        theirs.close()


def wait_for(taken: list[tuple[str, bytes]], count: int) -> None:
    ends = time.monotonic() + 5
    while len(taken) < count and time.monotonic() < ends:
        time.sleep(0.01)


def test_the_daemon_takes_events_and_hands_mails_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    taken: list[tuple[str, bytes]] = []
    with running(tmp_path / "state", taken, monkeypatch) as events:
        events.send(b"no event")
        events.send(json.dumps(TOLD).encode())
        wait_for(taken, 1)
    assert [address for address, _ in taken] == ["sysadmins@lab.test"]
    assert "is refused: it is no JSON object" in capsys.readouterr().err


def test_a_broken_state_is_put_aside_and_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"not a database at all" * 1000)
    taken: list[tuple[str, bytes]] = []
    with running(tmp_path / "state.sqlite", taken, monkeypatch) as events:
        events.send(json.dumps(TOLD).encode())
        wait_for(taken, 1)
    assert len(taken) == 1 and list(tmp_path.glob("state.broken-*")) and "put aside" in capsys.readouterr().err


def test_where_nothing_can_be_kept_it_is_a_mail_a_minute_and_no_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken: list[tuple[str, bytes]] = []
    with running(tmp_path / "none" / "state.sqlite", taken, monkeypatch) as events:
        for number in range(50):
            events.send(json.dumps(TOLD | {"host": f"h{number}.lab.test"}).encode())
        wait_for(taken, 1)
        time.sleep(0.1)
    assert len(taken) == 1 and "at most a mail a minute" in capsys.readouterr().err


def test_a_disk_that_fills_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(self: Store, one: Event, now: float) -> str:
        if self.limits is not daemon.STRICT:
            raise sqlite3.OperationalError("database or disk is full")
        return accept(self, one, now)

    accept = Store.accept
    monkeypatch.setattr(Store, "accept", full)
    taken: list[tuple[str, bytes]] = []
    with running(tmp_path / "state", taken, monkeypatch) as events:
        events.send(json.dumps(TOLD).encode())
        events.send(json.dumps(TOLD | {"service": "other"}).encode())
        wait_for(taken, 1)
    assert len(taken) == 1 and "disk is full" in capsys.readouterr().err

"""Who holds one agent's key (THREAT-A1, THREAT-A4): what it sends for others, or to change the monitor, is discarded; with controls that the same is heard where it is allowed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provision.protocol.icinga import CheckResultEncoder, State, notification
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import answers, commands, of_role, reloaded, service
from tests.acceptance.speaker import Speaker, speaking
from tests.acceptance.watching import watched
from vm.wait import wait_until

PLACE = "/etc/icinga2/watchpost.d/weakened.conf"
MARK = "/tmp/by-a-stolen-key"
COMMAND = f'object CheckCommand "evil" {{ command = [ "/usr/bin/touch", "{MARK}" ] }}'
DEEP = b'{"jsonrpc":"2.0","method":"event::CheckResult","params":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
HUGE = 200 * 1024 * 1024


def messages(host: str, name: str) -> dict[str, bytes]:
    """What would change another's service, by the method that does it."""
    now = time.time()
    place = {"host": host, "service": name}
    cr = {"type": "CheckResult", "state": 2, "exit_status": 2, "output": "forged", "schedule_start": now, "schedule_end": now, "execution_start": now, "execution_end": now}
    return {
        "event::CheckResult": CheckResultEncoder(host, name, host, ["forged"]).encode(State.CRITICAL, "forged", scheduled=now, started=now, ended=now),
        "event::SetNextCheck": notification("event::SetNextCheck", place | {"next_check": now + 86400}, ts=now),
        "event::SetForceNextCheck": notification("event::SetForceNextCheck", place | {"forced": True}, ts=now),
        "event::SetForceNextNotification": notification("event::SetForceNextNotification", place | {"forced": True}, ts=now),
        "event::SetAcknowledgement": acknowledgement(host, name),
        "event::SendNotifications": notification("event::SendNotifications", place | {"cr": cr, "type": 32, "author": "x", "text": "x"}, ts=now),
    }


def acknowledgement(host: str, name: str) -> bytes:
    """That somebody knows of a problem."""
    now = time.time()
    told = {"host": host, "service": name, "author": "x", "comment": "x", "acktype": 1, "notify": True, "persistent": False, "change_time": now, "expiry": 0}
    return notification("event::SetAcknowledgement", told, ts=now)


def send(speaker: Speaker, frame: bytes) -> None:
    """Any message, as it is."""
    assert speaker._session is not None, speaker._why
    speaker._session.send(frame)
    speaker._flush()


@contextmanager
def weakened(lab: LiveLab, owner: str) -> Iterator[str]:
    """A service in the zone of an agent, as the usual set-up has them: what it must not be here."""
    text = f'object Service "weakened" {{ host_name = "{owner}"; zone = "{owner}"; check_command = "dummy"; vars.dummy_state = 2; check_interval = 1d; max_check_attempts = 1; enable_notifications = false }}\n'
    with reloaded(lab, PLACE, text):
        yield "weakened"


@pytest.mark.requirement("THREAT-A4")
def test_a4_nothing_that_is_said_of_another_host_is_taken(lab: LiveLab, record_property: Any) -> None:
    thief, victim = of_role(lab, "bittorrent"), of_role(lab, "gitolite")
    with speaking(lab, thief) as (speaker, titles):
        before = service(lab, victim, titles[0])
        for frame in messages(victim, titles[0]).values():
            send(speaker, frame)
        # control: the same message for a service of its own is taken, on the same connection, after the forged ones
        speaker.say(titles[0], State.CRITICAL, "of my own")
        wait_until(lambda: service(lab, thief, titles[0])["last_check_result"]["output"] == "of my own", reason="its own result is taken", deadline_s=20)
        after = service(lab, victim, titles[0])
    record_property("evidence", f"discarded from {thief} for {victim}: {', '.join(messages('', ''))}")
    assert (after["state"], after["acknowledgement"], after["force_next_check"], after["force_next_notification"]) == (0, 0, False, False)
    assert after["last_check_result"]["output"] != "forged" and after["next_check"] < time.time() + 3600
    assert before["state"] == 0


@pytest.mark.requirement("THREAT-A4")
def test_a4_control_in_an_agents_own_zone_it_may_acknowledge(lab: LiveLab) -> None:
    thief = of_role(lab, "bittorrent")
    with weakened(lab, thief) as name, speaking(lab, thief) as (speaker, _):
        now = time.time()
        send(speaker, CheckResultEncoder(thief, name, thief, ["x"]).encode(State.CRITICAL, "bad", scheduled=now, started=now, ended=now))
        wait_until(lambda: service(lab, thief, name)["state"] == 2, reason="the weakened service is critical", deadline_s=20)
        send(speaker, acknowledgement(thief, name))
        wait_until(lambda: service(lab, thief, name)["acknowledgement"] == 1, reason="the acknowledgement is taken", deadline_s=20)


@pytest.mark.requirement("THREAT-A1")
def test_a1_configuration_commands_and_certificates_are_refused_and_large_messages_survived(lab: LiveLab, record_property: Any) -> None:
    thief = of_role(lab, "bittorrent")
    machine = lab.machine("monitor")
    known, ca = commands(lab), machine.run(["sha256sum", "/var/lib/icinga2/certs/ca.crt"]).stdout
    now = time.time()
    frames = {
        "config::UpdateObject": {"name": "evil", "type": "CheckCommand", "version": now, "config": COMMAND, "modified_attributes": {}, "original_attributes": []},
        "config::Update": {"update": {"master": {"/evil.conf": COMMAND}}, "update_v2": {"master": {"/evil.conf": COMMAND}}, "checksums": {"master": {}}},
        "event::ExecuteCommand": {"command_type": "check_command", "command": "dummy", "host": thief, "macros": {}, "check_timeout": 10},
        "event::ExecutedCommand": {"execution": "x", "host": thief, "exit": 0, "output": COMMAND},
        "pki::UpdateCertificate": {"status": 0, "cert": "x", "ca": "x", "fingerprint_request": "x"},
    }
    with watched(lab, "monitor") as started, speaking(lab, thief) as (speaker, titles):
        for method, params in frames.items():
            send(speaker, notification(method, params, ts=now))
        # control: the connection still stands and is heard
        speaker.say(titles[0], State.WARNING, "still heard")
        wait_until(lambda: service(lab, thief, titles[0])["last_check_result"]["output"] == "still heard", reason="its own result is taken", deadline_s=20)
        assert commands(lab) == known
        assert not [path for path in started if path.endswith("/touch")], "programs that start are watched: none of the attacker's did"
    for what, frame in (("deep JSON", b"%d:%s," % (len(DEEP), DEEP)), ("200 MiB", b"%d:" % HUGE + b"x" * HUGE + b",")):
        with speaking(lab, thief) as (speaker, _):
            try:
                send(speaker, frame)
            except (OSError, ValueError, AssertionError) as refused:
                record_property("evidence", f"{what}: the connection ended: {type(refused).__name__}")
        wait_until(lambda: answers(lab), reason=f"the monitor answers after {what}", deadline_s=60)
    record_property("evidence", f"refused from {thief}: {', '.join(frames)}; deep JSON and 200 MiB survived")
    assert machine.run(["test", "-e", MARK], check=False).returncode == 1
    assert machine.run(["sha256sum", "/var/lib/icinga2/certs/ca.crt"]).stdout == ca
    assert commands(lab) == known
    machine.close()

"""Who holds one agent's key (THREAT-A1, THREAT-A4): what it sends for others, or to change the monitor, is discarded; with controls that the very same messages are heard where they are allowed."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from provision import enrolment, icinga_api
from provision.protocol.icinga import State, notification
from provision.pusher_spec import PushedHost
from provision.throwaway_ca import Authority
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import answers, commands, of_role, reloaded, service
from tests.acceptance.mails import Mail, received
from tests.acceptance.speaker import Speaker, speaking
from tests.acceptance.watching import ATTACK, MARKS, PROGRAM, inside, resisting, watched
from vm.wait import wait_until

PLACE = "/etc/icinga2/watchpost.d/weakened.conf"
API, ZONES = "/etc/icinga2/features-enabled/api.conf", "/etc/icinga2/zones.conf"
CA = "/var/lib/icinga2/certs/ca.crt"
TAKEN = "/var/lib/icinga2/api"
"""Where Icinga keeps the configuration that others send."""
ANOTHERS = "check_users"
"""A plugin that Icinga's own commands know and no check of the lab uses."""
DEEP = b'{"jsonrpc":"2.0","method":"event::CheckResult","params":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
HUGE = 200 * 1024 * 1024
DAY_S = 86400
NOTIFY = "event::SendNotifications"


def claims(host: str, name: str) -> dict[str, dict[str, Any]]:
    """What would change another's service, by the method that does it, so ordered that each one's effect can be seen."""
    now = time.time()
    place = {"host": host, "service": name}
    times = dict.fromkeys(("schedule_start", "schedule_end", "execution_start", "execution_end"), now)
    cr = {"type": "CheckResult", "active": True, "state": 2, "exit_status": 2, "output": "forged", "performance_data": [], "check_source": host} | times
    return {
        "event::CheckResult": place | {"cr": cr},
        "event::SetNextCheck": place | {"next_check": now + DAY_S},
        "event::SetForceNextCheck": place | {"forced": True},
        "event::SetAcknowledgement": place | {"author": "x", "comment": "x", "acktype": 1, "notify": True, "persistent": False, "change_time": now, "expiry": 0},
        "event::SetForceNextNotification": place | {"forced": True},
        NOTIFY: place | {"cr": cr, "type": 32, "author": "x", "text": "x"},
    }


EFFECTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "event::CheckResult": lambda found: found["state"] == 2 and found["last_check_result"]["output"] == "forged",
    "event::SetNextCheck": lambda found: found["next_check"] > time.time() + DAY_S / 2,
    "event::SetForceNextCheck": lambda found: bool(found["force_next_check"]),
    "event::SetAcknowledgement": lambda found: found["acknowledgement"] == 1,
    "event::SetForceNextNotification": lambda found: bool(found["force_next_notification"]),
}
"""How one sees on a service that such a message was taken; of notifications, that there is a mail."""


def is_seen(effect: Callable[[dict[str, Any]], bool], lab: LiveLab, host: str, name: str) -> bool:
    """Whether a service shows an effect now."""
    return effect(service(lab, host, name))


def send(speaker: Speaker, frame: bytes) -> None:
    """Any message, as it is."""
    assert speaker._session is not None, speaker._why
    speaker._session.send(frame)
    speaker._flush()


def tell(speaker: Speaker, method: str, params: dict[str, Any]) -> None:
    """A message of this moment: Icinga drops what is older than what it had of the same peer."""
    send(speaker, notification(method, params, ts=time.time()))


def mails_about(lab: LiveLab, since: float, host: str, name: str) -> list[Mail]:
    """The mails that name a service."""
    return [mail for mail in received(lab, since) if f"{host} {name}" in mail.subject]


def harness(lab: LiveLab) -> Speaker:
    """Who speaks with the harness's certificate: no host's, so it can be given any place."""
    name = lab.lab.fqdn("harness")
    mine = enrolment.identity(lab.identities, name)
    return Speaker(lab, PushedHost(certname=name, address="", key=mine.key, certificate=mine.certificate, checks=()))


@contextmanager
def weakened(lab: LiveLab, owner: str) -> Iterator[str]:
    """A service in the zone of an agent, as the usual set-up has them: what it must not be here. Of its own accord nobody is told of it. And the harness is of the monitor's own zone."""
    peer = lab.lab.fqdn("harness")
    text = f"""object Service "weakened" {{
  host_name = "{owner}"; zone = "{owner}"; check_command = "dummy"; vars.dummy_state = 2; check_interval = 1d; max_check_attempts = 1; enable_notifications = false
  vars.priority = "low"
}}
object Endpoint "{peer}" {{ log_duration = 0 }}
"""
    with reloaded(lab, PLACE, text, {ZONES: ("endpoints = [ NodeName ]", f'endpoints = [ NodeName, "{peer}" ]')}, but=peer):
        yield "weakened"


def in_charge(lab: LiveLab) -> bool:
    """Whether the monitor itself tells of all services: where its zone has a second member, it first waits for that one."""
    return not any(one["attrs"]["paused"] for one in icinga_api.get(lab.api(), "/v1/objects/notifications?attrs=paused"))


@pytest.mark.requirement("THREAT-A4")
def test_a4_nothing_that_is_said_of_another_host_is_taken(lab: LiveLab, record_property: Any) -> None:
    """The control, after it: the same of a service in its own zone is taken, each by each; of notifications, from the monitor's own zone, where alone Icinga listens to that."""
    thief, victim = of_role(lab, "bittorrent"), of_role(lab, "gitolite")
    since, peer = time.time(), harness(lab)
    with weakened(lab, thief) as own, speaking(lab, thief) as (speaker, titles):
        before = service(lab, victim, titles[0])
        assert before["state"] == 0
        wait_until(lambda: in_charge(lab), reason="the monitor is in charge of notifications", deadline_s=60)
        for method, params in claims(victim, titles[0]).items():
            tell(speaker, method, params)
        for method, params in claims(thief, own).items():
            if seen := EFFECTS.get(method):
                tell(speaker, method, params)
                wait_until(partial(is_seen, seen, lab, thief, own), reason=f"{method} of its own service is taken", deadline_s=20)
        try:
            peer.start()
            tell(peer, NOTIFY, claims(thief, own)[NOTIFY])
            wait_until(lambda: mails_about(lab, since, thief, own), reason="a mail, asked for from the monitor's own zone", deadline_s=90)
        finally:
            peer.stop()
        after = service(lab, victim, titles[0])
        assert not [method for method, seen in EFFECTS.items() if seen(after)], after
        assert after["state"] == 0
        assert not mails_about(lab, since, victim, titles[0])
    record_property("evidence", f"discarded from {thief} for {victim}, and taken where they are allowed: {', '.join(claims('', ''))}")


def command(name: str) -> str:
    """A check command that is ATTACK."""
    return f'object CheckCommand "{name}" {{ command = {json.dumps(ATTACK)} }}\n'


def orders(lab: LiveLab, host: str, folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """What would make the monitor start something, or trust another CA: a new command and its start, the start of one that it has, a new certificate, new files."""
    now = time.time()
    endpoint = lab.lab.fqdn("icinga")
    key = x509.load_pem_x509_certificate(ssl.get_server_certificate((lab.web_address, 5665)).encode()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    evil = Authority(folder, "evil")
    start = {"command_type": "check_command", "host": host, "macros": {}, "check_timeout": 10}
    files = {"/evil.conf": command("evil-by-file")}
    return [
        ("config::UpdateObject", {"name": "evil", "type": "CheckCommand", "version": now, "config": command("evil"), "modified_attributes": {}, "original_attributes": []}),
        ("event::ExecuteCommand", start | {"command": "evil"}),
        ("event::ExecuteCommand", start | {"command": ANOTHERS.removeprefix("check_")}),
        ("pki::UpdateCertificate", {"status": 0, "cert": evil.certify(endpoint, key), "ca": evil.certificate.read_text(), "fingerprint_request": "x"}),
        ("config::Update", {"update": {"master": files}, "update_v2": {"master": {"/.timestamp": str(now)}}, "checksums": {"master": {"/evil.conf": "x"}}}),
    ]


@contextmanager
def obedient(lab: LiveLab) -> Iterator[Speaker]:
    """An Icinga that takes configuration and commands from a zone above its own, and somebody who speaks from there."""
    speaker, machine = harness(lab), lab.machine("monitor")
    name = speaker._name
    text = f'object Endpoint "{name}" {{ log_duration = 0 }}\nobject Zone "{name}" {{ endpoints = [ "{name}" ] }}\n'
    change = {
        API: ("accept_config = false\n  accept_commands = false", "accept_config = true\n  accept_commands = true"),
        ZONES: ("endpoints = [ NodeName ]", f'endpoints = [ NodeName ]\n  parent = "{name}"'),
    }
    before = set(machine.run(["find", TAKEN]).stdout.splitlines())
    with reloaded(lab, PLACE, text, change, but=name):
        try:
            speaker.start()
            yield speaker
        finally:
            speaker.stop()
            taken = set(machine.run(["find", TAKEN]).stdout.splitlines()) - before
            machine.run(["rm", "-rf", "--", *sorted(taken)])
            machine.close()


@pytest.mark.requirement("THREAT-A1")
def test_a1_configuration_commands_and_certificates_are_refused(lab: LiveLab, tmp_path: Path, record_property: Any) -> None:
    """The control: the very same messages take effect on an Icinga that accepts them."""
    thief = of_role(lab, "bittorrent")
    machine = lab.machine("monitor")
    known, ca = commands(lab), machine.run(["sha256sum", CA]).stdout
    told = orders(lab, thief, tmp_path)
    with resisting(lab, "monitor", "icinga2.service") as started, speaking(lab, thief) as (speaker, titles):
        for method, params in told:
            tell(speaker, method, params)
        # control: the connection still stands and is heard
        speaker.say(titles[0], State.WARNING, "still heard")
        wait_until(lambda: service(lab, thief, titles[0])["last_check_result"]["output"] == "still heard", reason="its own result is taken", deadline_s=20)
        time.sleep(2)
        assert commands(lab) == known
        assert not [path for path in started if ANOTHERS in path]
        assert machine.run(["sha256sum", CA]).stdout == ca
    since = machine.run(["date", "+%s"]).stdout.strip()
    with watched(lab, "monitor") as started, obedient(lab) as speaker:
        mark = inside(lab, "monitor", MARKS["monitor"])
        seen: tuple[Callable[[], Any], ...] = (
            lambda: commands(lab) - known == {"evil"},
            lambda: PROGRAM in started and mark.exists(),
            lambda: any(ANOTHERS in path for path in started),
            lambda: "Received certificate update message" in machine.run(["journalctl", "--unit=icinga2.service", f"--since=@{since}", "--output=cat"]).stdout,
            lambda: answers(lab, but=speaker._name) and "evil-by-file" in commands(lab),
        )
        try:
            for (method, params), effect in zip(told, seen, strict=True):
                tell(speaker, method, params)
                wait_until(effect, reason=f"{method} takes effect where it is accepted", deadline_s=60)
        finally:
            mark.unlink(missing_ok=True)
    assert commands(lab) == known
    assert machine.run(["sha256sum", CA]).stdout == ca
    machine.close()
    record_property("evidence", f"refused from {thief}, and obeyed where Icinga accepts them: {', '.join(method for method, _ in told)}")


@pytest.mark.requirement("THREAT-A1")
def test_a1_large_messages_are_survived(lab: LiveLab, record_property: Any) -> None:
    thief = of_role(lab, "bittorrent")
    for what, frame in (("deep JSON", b"%d:%s," % (len(DEEP), DEEP)), ("200 MiB", b"%d:" % HUGE + b"x" * HUGE + b",")):
        with speaking(lab, thief) as (speaker, _):
            try:
                send(speaker, frame)
            except (OSError, ValueError, AssertionError) as refused:
                record_property("evidence", f"{what}: the connection ended: {type(refused).__name__}")
        wait_until(lambda: answers(lab), reason=f"the monitor answers after {what}", deadline_s=60)
    record_property("evidence", "deep JSON and 200 MiB survived")

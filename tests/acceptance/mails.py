"""What the lab's mail sink got, what checks are made to say, and other limits for a while."""

from __future__ import annotations

import email
import email.policy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, cast

from loadtest.actors.icinga_agent import Kind
from provision import icinga_api, pushing
from provision.protocol.icinga import CheckResultEncoder, State
from provision.pusher_spec import PushedHost, PusherSpec, StateModel
from tests.acceptance.conftest import LiveLab
from vm.artefact import load, save
from vm.wait import wait_until

SETTINGS = "/etc/watchpost-notifier.json"
UNIT = "watchpost-notifier.service"
LIST = """
import json, os, sys
home, since = "/var/lib/mail-sink", int(sys.argv[1])
found = []
for name in sorted(os.listdir(home + "/new")):
    if int(name.split(".")[0]) > since:
        with open(home + "/envelopes/" + name + ".json") as told, open(home + "/new/" + name, "rb") as mail:
            found.append(json.load(told) | {"mail": mail.read(200000).decode("latin-1")})
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Mail:
    """A mail that the sink accepted, seconds since the epoch."""

    to: str
    at: float
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def body(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


def mails(lab: LiveLab, since: float) -> list[Mail]:
    """Mails of the notifier that were accepted after a time, oldest first."""
    machine = lab.machine("fleet")
    told = json.loads(machine.run(["python3", "-c", LIST, str(int(since * 1e9))]).stdout)
    machine.close()
    sender = f"watchpost@{lab.web_name}"
    return [
        Mail(one["recipients"][0].split("@")[0], one["accepted_at_ns"] / 1e9, _read(one["mail"])) for one in told if one["sender"] == sender
    ]


def _read(text: str) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(text.encode("latin-1"), policy=email.policy.default))


def wait_for_mails(lab: LiveLab, since: float, wanted: Callable[[list[Mail]], Any], reason: str, deadline_s: float = 60) -> list[Mail]:
    """Until the mails are what is wanted; all of them. Raises WatchpostError."""
    found: list[Mail] = []

    def probe() -> bool:
        nonlocal found
        found = mails(lab, since)
        return bool(wanted(found))

    wait_until(probe, reason=reason, deadline_s=deadline_s, interval_s=2)
    return found


@contextmanager
def behaving(lab: LiveLab, change: Callable[[PushedHost], PushedHost | None]) -> Iterator[None]:
    """The simulated agents with other checks; a host that is changed to None stays away."""
    path = lab.lab.records / "pusher.json"
    before = load(PusherSpec, path)
    hosts = tuple(changed for host in before.hosts if (changed := change(host)) is not None)
    try:
        save(before.model_copy(update={"hosts": hosts}), path)
        assert pushing.tell(pushing.process(lab.lab))
        yield
    finally:
        save(before, path)
        assert pushing.tell(pushing.process(lab.lab))


def like(models: Mapping[tuple[str, str], tuple[float, StateModel]]) -> Callable[[PushedHost], PushedHost]:
    """Checks by host and title that come every so many seconds and behave so."""

    def change(host: PushedHost) -> PushedHost:
        checks = []
        for check in host.checks:
            interval_s, model = models.get((host.certname, check.title), (check.interval_s, check.model))
            checks.append(check.model_copy(update={"interval_s": interval_s, "model": model}))
        return host.model_copy(update={"checks": tuple(checks)})

    return change


@contextmanager
def limited(lab: LiveLab, **limits: int) -> Iterator[None]:
    """The notifier with nothing sent before and these limits; afterwards as Puppet made it, and again with nothing sent before."""
    machine = lab.machine("monitor")
    before = machine.run(["cat", SETTINGS]).stdout

    def begin(text: str) -> None:
        machine.run(["systemctl", "stop", UNIT])
        machine.run(["find", "/var/lib/watchpost-notifier", "-type", "f", "-delete"])
        machine.write(SETTINGS, text, mode="0640", owner="root:watchpost-notifier")
        machine.run(["systemctl", "start", UNIT])

    try:
        begin(json.dumps(json.loads(before) | {"limits": limits}))
        yield
    finally:
        begin(before)
        machine.close()


class Speaker(Kind):
    """Who holds a host's key and says what it likes."""

    def __init__(self, lab: LiveLab, host: PushedHost) -> None:
        spec = load(PusherSpec, lab.lab.records / "pusher.json")
        super().__init__(
            host.certname, master=(spec.master_address, spec.master_port), endpoint=spec.endpoint, ca=str(spec.ca), certificate=str(host.certificate),
            key=str(host.key), address=str(lab.lab.gateway), seed=1,
        )  # fmt: skip

    def say(self, title: str, state: State, output: str) -> None:
        """A result of one of its checks, now."""
        encoder = CheckResultEncoder(self._name, title, self._name, ["simulated", title])
        started = max(time.time() - 0.001, self._ended.get(title, 0.0))
        ended = self._ended[title] = max(time.time(), started)
        assert self._session is not None, self._why
        self._session.send(encoder.encode(state, output, scheduled=started, started=started, ended=ended))
        self._flush()


@contextmanager
def speaking(lab: LiveLab, certname: str) -> Iterator[tuple[Speaker, list[str]]]:
    """In a host's place, with its own key: who speaks, and the titles of its checks. The simulated agent comes back afterwards."""
    spec = load(PusherSpec, lab.lab.records / "pusher.json")
    (host,) = (one for one in spec.hosts if one.certname == certname)
    with behaving(lab, lambda one: None if one.certname == certname else one):
        wait_until(lambda: icinga_api.status(lab.api()).endpoints_connected == len(spec.hosts) - 1, reason="the agent is gone", deadline_s=30)
        speaker = Speaker(lab, host)
        speaker.start()
        try:
            yield speaker, [check.title for check in host.checks]
        finally:
            speaker.stop()
    wait_until(lambda: icinga_api.status(lab.api()).endpoints_connected == len(spec.hosts), reason="the agent is back", deadline_s=60)



"""What simulated agents are made to do: other checks for a while, or one host's key in a test's own hands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from loadtest.actors.icinga_agent import Kind
from provision import icinga_api, pushing
from provision.protocol.icinga import CheckResultEncoder, State
from provision.pusher_spec import PushedHost, PusherSpec, StateModel
from tests.acceptance.conftest import LiveLab
from vm.artefact import load, save
from vm.wait import wait_until


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

    def away() -> bool:
        return certname in icinga_api.status(lab.api()).endpoints_missing

    with behaving(lab, lambda one: None if one.certname == certname else one):
        wait_until(away, reason="the agent is gone", deadline_s=30)
        speaker = Speaker(lab, host)
        speaker.start()
        try:
            wait_until(lambda: not away(), reason="who speaks in its place is connected", deadline_s=30)
            yield speaker, [check.title for check in host.checks]
        finally:
            speaker.stop()
        wait_until(away, reason="who spoke is gone", deadline_s=30)
    wait_until(lambda: not away(), reason="the agent is back", deadline_s=60)

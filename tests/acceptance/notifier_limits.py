"""The notifier with other limits, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass

from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab
from tests.acceptance.weakened import weakened

SETTINGS = "/etc/watchpost-notifier.json"


@dataclass(frozen=True)
class Scaled:
    """The notifier's limits with time made shorter: what takes an hour takes window_s."""

    window_s: float
    per_host: int = 10
    per_person: int = 30
    digest_s: float = 900
    settle_s: float = 10
    early_s: float = 60

    @classmethod
    def by(cls, factor: float) -> Scaled:
        return cls(window_s=3600 / factor, digest_s=900 / factor, settle_s=max(1, 10 / factor), early_s=60 / factor)


NONE = Scaled(window_s=1, per_host=10**9, per_person=10**9)


@contextmanager
def limited(lab: LiveLab, limits: Scaled) -> Iterator[None]:
    """The notifier with other limits meanwhile, and nothing that it remembers."""
    state = "/var/lib/watchpost-notifier/state.sqlite"

    def begin(monitor: Machine) -> None:
        monitor.run(["systemctl", "stop", "watchpost-notifier.service"])
        monitor.run(["rm", "-f", state, f"{state}-wal", f"{state}-shm"])
        monitor.run(["systemctl", "start", "watchpost-notifier.service"])

    with closing(lab.machine("monitor")) as monitor:
        before = json.loads(monitor.run(["cat", SETTINGS]).stdout)
    text = json.dumps(before | {"limits": asdict(limits)})
    with weakened(lab, "monitor", "a notifier with other limits", {SETTINGS: text}, ("systemctl", "restart", "watchpost-notifier.service"), begin):
        yield

"""The notifier with other limits, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from provision.ssh import Machine

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
def limited(monitor: Machine, limits: Scaled) -> Iterator[None]:
    """The notifier with other limits meanwhile, and nothing that it remembers; Puppet's next run would put the file right too."""
    before = monitor.run(["cat", SETTINGS]).stdout
    state = "/var/lib/watchpost-notifier/state.sqlite"

    def begin(text: str) -> None:
        monitor.run(["systemctl", "stop", "watchpost-notifier.service"])
        monitor.run(["rm", "-f", state, f"{state}-wal", f"{state}-shm"])
        monitor.write(SETTINGS, text, mode="0640", owner="root:watchpost-notifier")
        monitor.run(["systemctl", "start", "watchpost-notifier.service"])

    try:
        begin(json.dumps(json.loads(before) | {"limits": asdict(limits)}))
        yield
    finally:
        begin(before)

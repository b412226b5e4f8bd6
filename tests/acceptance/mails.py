"""The mails that the fleet's sink has taken."""

from __future__ import annotations

import email
import email.policy
import json
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.acceptance.conftest import LiveLab
from vm.drivers import container
from vm.wait import wait_until


@dataclass(frozen=True)
class Mail:
    """One mail as the sink accepted it. accepted_at: seconds since the epoch."""

    accepted_at: float
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def body(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


def received(lab: LiveLab, since: float) -> list[Mail]:
    """The mails that were accepted from a time on, oldest first."""
    home = Path(f"/proc/{container.leader_pid(lab.lab, 'fleet')}/root/var/lib/mail-sink")
    found = []
    for path in sorted((home / "new").iterdir()):
        if int(path.name.split(".")[0]) / 1e9 < since:
            continue
        told = json.loads((home / "envelopes" / f"{path.name}.json").read_text())
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found.append(Mail(accepted_at=told["accepted_at_ns"] / 1e9, recipients=tuple(told["recipients"]), message=message))
    return found


def awaited(lab: LiveLab, since: float, *subjects: str, deadline_s: float = 60) -> list[Mail]:
    """All mails since then, once there is one with each of these subjects."""

    def all_there() -> list[Mail] | None:
        found = received(lab, since)
        return found if all(any(one.subject == subject for one in found) for subject in subjects) else None

    return wait_until(all_there, reason=f"mails with the subjects {', '.join(subjects)}", deadline_s=deadline_s)


def quiet(lab: LiveLab, seconds: float, since: float) -> list[Mail]:
    """The mails since then, after some time in which more of them could have come."""
    time.sleep(seconds)
    return received(lab, since)

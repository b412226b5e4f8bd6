"""Who may be told how often, and when a digest is due. Pure: what was sent and held comes from the store, the time from the caller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from notifier.event import Event

Decision = Literal["send", "hold", "hold, urgent"]


@dataclass(frozen=True)
class Limits:
    """What one person gets in any window_s seconds: at most per_host mails of one host and per_person in all, of problems, and as many of
    recoveries; the rest in a digest every digest_s. A host of which nothing came lately is urgent: its digest comes after settle_s,
    early_per_window times in a window at most, and early_s apart.
    """

    window_s: float = 3600
    per_host: int = 10
    per_person: int = 30
    digest_s: float = 900
    settle_s: float = 10
    early_s: float = 60
    early_per_window: int = 6


@dataclass(frozen=True)
class Sent:
    """A mail that was sent."""

    at: float
    host: str
    family: str


@dataclass(frozen=True)
class Held:
    """What a digest will say of one object: how many notifications were held, since when, and what the last one said."""

    host: str
    service: str
    count: int
    first_at: float
    last_at: float
    kind: str
    state: str
    output: str
    urgent: bool


def decide(event: Event, sent: Iterable[Sent], waiting: bool, limits: Limits, now: float) -> Decision:
    """What becomes of an event. sent: this person's; waiting: whether a digest has something of this object already.

    A host's own budget comes first, so that a host that floods is held before it can eat what all share. What shares run out of holds
    no quiet host's first problem for longer than the early digest takes.
    """
    if waiting:  # the digest tells the end of the story too
        return "hold"
    recent = [one for one in sent if one.family == event.family and one.at > now - limits.window_s]
    of_host = sum(one.host == event.host for one in recent)
    if of_host >= limits.per_host:
        return "hold"
    if len(recent) < limits.per_person:
        return "send"
    return "hold, urgent" if event.family == "bad" and not of_host else "hold"


def digest_due(held: Iterable[Held], digests: Iterable[float], early: Iterable[float], limits: Limits, now: float) -> Literal["", "due", "early"]:
    """Whether a digest of what is held is due. digests, early: when this person had those."""
    waiting = list(held)
    if not waiting:
        return ""
    last = max([*digests, *early], default=0.0)
    if now >= max(last, min(one.first_at for one in waiting)) + limits.digest_s:
        return "due"
    urgent = [one.first_at for one in waiting if one.urgent]
    lately = [at for at in early if at > now - limits.window_s]
    settled = bool(urgent) and now >= min(urgent) + limits.settle_s
    if settled and len(lately) < limits.early_per_window and now >= max(lately, default=0.0) + limits.early_s:
        return "early"
    return ""

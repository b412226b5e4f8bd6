"""One notification as Icinga hands it over: who is to be told, of what. Parsing refuses what Icinga can not have sent; outputs may hold anything."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

KINDS = ("Problem", "Recovery", "Acknowledgement", "FlappingStart", "FlappingEnd", "Custom")
GOOD = ("Recovery", "FlappingEnd")
"""Kinds that end a problem; they have a budget of their own, so that problems do not eat it."""
STATES = ("Ok", "Warning", "Critical", "Unknown", "Up", "Down", "")
PERSON = re.compile(r"\A[a-z][a-z0-9-]{0,31}\Z")
HOST = re.compile(r"\A[a-z0-9][a-z0-9.-]{0,252}\Z")
SERVICE = re.compile(r"\A[A-Za-z0-9_.-]{0,127}\Z")
MAX_TEXT = 8192
"""Characters kept of an output or a comment."""


class Malformed(Exception):
    """A datagram that is no notification; the message says why and repeats nothing of it."""


@dataclass(frozen=True)
class Event:
    """at: seconds since the epoch at which Icinga sent it. service is empty for a host's own state; author and comment come with some kinds."""

    person: str
    kind: str
    host: str
    service: str
    state: str
    at: float
    output: str = ""
    author: str = ""
    comment: str = ""
    priority: str = ""

    @property
    def family(self) -> str:
        """Whose budget it takes from."""
        return "good" if self.kind in GOOD else "bad"

    @property
    def what(self) -> str:
        """What it is about, in words."""
        return f"{self.host} {self.service}" if self.service else self.host


def parse(datagram: bytes) -> Event:
    """The event in a datagram: a JSON object, whatever stands before its first brace. Raises Malformed."""
    _, brace, rest = datagram.partition(b"{")
    try:
        told = json.loads((brace + rest).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Malformed("it is no JSON object") from None
    if not isinstance(told, dict):
        raise Malformed("it is no JSON object")
    event = Event(
        person=_named(told, "person", PERSON), kind=_one_of(told, "kind", KINDS), host=_named(told, "host", HOST),
        service=_named(told, "service", SERVICE), state=_one_of(told, "state", STATES), at=_time(told),
        output=_text(told, "output"), author=_text(told, "author"), comment=_text(told, "comment"), priority=_text(told, "priority")[:32],
    )  # fmt: skip
    return event


def _text(told: dict[str, Any], name: str) -> str:
    found = told.get(name)
    return "" if found is None else str(found)[:MAX_TEXT]


def _named(told: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    found = _text(told, name)
    if not pattern.match(found):
        raise Malformed(f"its {name} is none")
    return found


def _one_of(told: dict[str, Any], name: str, words: tuple[str, ...]) -> str:
    found = _text(told, name).lower()
    for word in words:
        if word.lower() == found:
            return word
    raise Malformed(f"its {name} is none that Icinga has")


def _time(told: dict[str, Any]) -> float:
    try:
        found = float(told.get("at") or "")
    except (TypeError, ValueError):
        raise Malformed("its time is none") from None
    if not 0 < found < 1e11:
        raise Malformed("its time is none")
    return found

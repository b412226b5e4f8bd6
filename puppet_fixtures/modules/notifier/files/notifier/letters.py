"""Mails as people get them. Whatever a monitored machine said ends in the body, as printable text; headers hold names that were checked."""

from __future__ import annotations

import email.policy
import email.utils
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage

from notifier.event import Event
from notifier.limits import Held, Limits

HOSTS, OBJECTS = 60, 20
"""What a digest lists at most: hosts, and objects of each."""
LINE = 200


@dataclass(frozen=True)
class Site:
    """sender: the address that mails come from. name: the monitor's; web: where its web is."""

    name: str
    sender: str
    web: str


def letter(event: Event, address: str, site: Site, *, last: bool = False, limits: Limits | None = None) -> EmailMessage:
    """One event. last: it is the last of its host for a while."""
    state = event.state.upper() if event.state else ""
    lines = [
        f"{event.kind}: {event.what}" + (f" is {state}" if state else ""), "",
        f"Host:      {event.host}", *([f"Service:   {event.service}"] if event.service else []),
        f"State:     {state or '-'}", *([f"Priority:  {printable(event.priority, 32)}"] if event.priority else []),
        f"When:      {when(event.at)}",
    ]  # fmt: skip
    if event.author or event.comment:
        lines += [f"By:        {printable(event.author, 100)}", "Comment:", *quoted(event.comment)]
    lines += ["", "What the check said:", *(quoted(event.output) or ["| (nothing)"])]
    if last and limits:
        lines += ["", f"This host has now used up its {limits.per_host} mails in {minutes(limits.window_s)}. What follows comes as a digest."]
    word = {"Problem": state or "PROBLEM", "Recovery": "OK"}.get(event.kind, event.kind)
    return _mail(address, site, f"[{word}] {event.what}", lines, at=event.at, thread=event.what, answer=event.family == "good")


def digest(held: Sequence[Held], address: str, site: Site, now: float) -> EmailMessage:
    """What was held back, by host, the loudest first."""
    hosts: dict[str, list[Held]] = {}
    for one in held:
        hosts.setdefault(one.host, []).append(one)
    loudest = sorted(hosts.items(), key=lambda item: (-sum(one.count for one in item[1]), item[0]))
    total = sum(one.count for one in held)
    lines = [f"{total} notifications of {len(hosts)} hosts were held back since {when(min(one.first_at for one in held))}.", ""]
    for host, objects in loudest[:HOSTS]:
        lines.append(f"{host}: {sum(one.count for one in objects)} held")
        newest = sorted(objects, key=lambda one: (-one.last_at, one.service))
        for one in newest[:OBJECTS]:
            lines.append(f"  {one.service or '(the host itself)'}: {one.count} held; last, at {when(one.last_at)}: {one.kind} {one.state.upper()}")
            lines += [f"    {text}" for text in quoted(one.output, most=1)]
        if len(newest) > OBJECTS:
            lines.append(f"  and {len(newest) - OBJECTS} more")
    if len(loudest) > HOSTS:
        lines.append(f"and {len(loudest) - HOSTS} hosts more: " + ", ".join(host for host, _ in loudest[HOSTS:])[:2000])
    lines += ["", "One host that fills this list alone is broken, or in somebody else's hands. As it is now: " + site.web]
    first = loudest[0][0]
    subject = f"[DIGEST] {total} held: {first}" + (f" and {len(hosts) - 1} more hosts" if len(hosts) > 1 else "")
    return _mail(address, site, subject, lines, at=now, thread="digest", answer=True)


def _mail(address: str, site: Site, subject: str, lines: Sequence[str], *, at: float, thread: str, answer: bool) -> EmailMessage:
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"] = site.sender
    made["To"] = address
    made["Subject"] = printable(subject, LINE)
    made["Date"] = email.utils.format_datetime(datetime.fromtimestamp(at, UTC))
    made["Message-ID"] = email.utils.make_msgid(domain=site.name)
    root = f"<{hashlib.sha256(thread.encode()).hexdigest()[:32]}.thread@{site.name}>"
    made["References"] = root
    if answer:
        made["In-Reply-To"] = root
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n".join(lines) + "\n", cte="quoted-printable")
    return made


def printable(text: str, most: int) -> str:
    """One line of printable characters."""
    flat = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in flat)[:most]


def quoted(text: str, most: int = 100) -> list[str]:
    """A hostile text as lines that each begin with a mark, so that none can pass for ours."""
    lines = [printable(line, 500) for line in text.splitlines() if line.strip()]
    return [f"| {line}" for line in lines[:most]] + ([f"| ({len(lines) - most} lines more)"] if len(lines) > most > 1 else [])


def when(at: float) -> str:
    """A time in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def minutes(seconds: float) -> str:
    """A time span in words."""
    return f"{seconds / 60:g} minutes"

"""Plausible plugin output and perfdata by check title, and the state of a check's n-th result. Pure.

Only the simulated fleet uses it: what real plugins print comes from real agents.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from provision.protocol.icinga import State
from provision.pusher_spec import StateModel

# words of a title -> text and perfdata; {0} and {1} are figures that move a little between results
SHAPES: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (
        ("load",),
        "LOAD {s} - load average: 0.{0:02d}, 0.{1:02d}, 0.12",
        ("load1=0.{0:02d};8;16;0", "load5=0.{1:02d};6;12;0"),
    ),
    (
        ("disk", "space", "inode"),
        "DISK {s} - free space: / 3{0:02d} MiB (5{1:02d} inodes)",
        ("/=26{0:02d}MB;5948;5958;0;5968",),
    ),
    (("memory", "swap", "ram"), "MEMORY {s} - {0}% used", ("used={0}%;80;95;0;100",)),
    (
        ("apt", "upgrade", "package"),
        "APT {s}: {0} packages available for upgrade",
        ("available_upgrades={0};;;0",),
    ),
    (
        ("puppet",),
        "PUPPET {s}: last run {0} minutes ago, 0 failures",
        ("last_run={0}m;90;180;0", "failed=0;;;0"),
    ),
    (("cert", "tls", "ssl"), "SSL {s} - certificate valid for 2{0:02d} days", ("days=2{0:02d};30;14",)),
    (("ntp", "time", "clock"), "NTP {s}: Offset 0.000{0:02d} secs", ("offset=0.000{0:02d}s;0.5;1",)),
    (
        ("unit", "systemd", "service", "process", "proc"),
        "PROCS {s}: {0} processes",
        ("procs={0};150;250;0;",),
    ),
    (
        ("mail", "smtp", "queue", "postfix", "relay"),
        "MAILQ {s}: {1} messages in queue",
        ("unsent={1};50;200;0",),
    ),
    (("ssh", "sftp"), "SSH {s} - OpenSSH_10.0p2 (protocol 2.0)", ("time=0.0{0:02d}s;;;0;10",)),
    (
        ("http", "web", "jenkins", "nightly", "apt-repo"),
        "HTTP {s}: 200 OK - {0}11 bytes",
        ("time=0.0{0:02d}s;2;5;0;10",),
    ),
    (("bitcoin", "block"), "BITCOIND {s}: height 92{0:02d}{1:02d}, {1} behind", ("lag={1};3;12;0",)),
)
DEFAULT = ("{t} {s}: finished in 0.{0:02d} s", ("time=0.{0:02d}s;5;10;0",))
WORDS = {State.OK: "OK", State.WARNING: "WARNING", State.CRITICAL: "CRITICAL", State.UNKNOWN: "UNKNOWN"}


@dataclass(frozen=True)
class Outcome:
    """One result to be: mute means that it is never sent, delay_s that it is sent so much after its time."""

    state: State
    output: str
    perfdata: tuple[str, ...]
    run_s: float
    delay_s: float = 0.0
    mute: bool = False


def fraction(seed: int, name: str, n: int = 0) -> float:
    """A number in [0, 1) that depends on its arguments alone; mixed well, as neighbours differ by one."""
    mixed = (zlib.crc32(name.encode(), seed & 0xFFFFFFFF) + n * 0x9E3779B9) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) / 2**32


def state_at(model: StateModel, seed: int, name: str, n: int) -> State:
    """The state of the n-th result."""
    bad = (State.CRITICAL, State.WARNING, State.CRITICAL, State.UNKNOWN)[int(fraction(seed, name) * 4)]
    if model.kind == "soft":
        # never two in a row: a failure needs its own slot of `every` results, and not that slot's last place
        slot, place = divmod(n, model.every)
        return bad if place == int(fraction(seed, name, slot) * (model.every - 1)) else State.OK
    if model.kind == "hard":
        return bad if (n // model.every) % 2 else State.OK
    if model.kind == "failing":
        return bad
    if model.kind == "flapping":
        return bad if fraction(seed, name, n) < 0.5 else State.OK
    return State.OK


def shape(title: str) -> tuple[str, tuple[str, ...]]:
    """The text and perfdata that fit a title; look it up once for each check."""
    low = title.lower()
    for words, text, perfdata in SHAPES:
        if any(word in low for word in words):
            return text, perfdata
    return DEFAULT


def outcome(model: StateModel, seed: int, host: str, title: str, n: int) -> Outcome:
    """The n-th result of a check."""
    name = f"{host}!{title}"
    state = state_at(model, seed, name, n)
    first, second = int(fraction(seed, name, n) * 90) + 10, int(fraction(seed, name, -n - 1) * 9)
    text, perfdata = shape(title)
    output = text.format(first, second, s=WORDS[state], t=title.upper())
    if model.kind == "huge":
        output += "\n" + "x" * (model.output_kib * 1024 - len(output) - 1)
    return Outcome(
        state=state,
        output=output,
        perfdata=tuple([word.format(first, second) for word in perfdata]),
        run_s=0.01 + first / 1000,
        delay_s=model.late_s if model.kind == "late" else 0.0,
        mute=model.kind == "mute",
    )

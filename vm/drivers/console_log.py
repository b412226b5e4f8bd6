"""What a machine said on its console, as both drivers keep it in a file."""

from __future__ import annotations

import re

from vm.drivers import machine_directory
from vm.lab import Lab

ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|.)")
"""Sequences that move a terminal's cursor, colour it or set its title (ECMA-48, xterm)."""


def last_words(lab: Lab, kind: str, lines: int = 5) -> str:
    """The last lines of a machine's console on one line, without what only a terminal understands; says so where there is nothing."""
    path = machine_directory(lab, kind) / "console.log"
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return "it has no console log"
    return in_words(text, lines) or "none"


def in_words(text: str, lines: int) -> str:
    """The last lines that say something, parted by slashes. Pure."""
    plain = "".join(c for c in ESCAPES.sub("", text).replace("\r", "\n") if c == "\n" or c.isprintable())
    said = [line.strip() for line in plain.splitlines() if line.strip()]
    return " / ".join(said[-lines:])

"""Valkey of the monitor: its memory, and Icinga DB's backlog: what Icinga has put into streams and Icinga DB has not taken out yet.

A history stream is emptied as it is written to the database, so its length is a backlog. Runtime streams are cut by Icinga and read without
being emptied: their lengths say nothing and are not asked for.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from loadtest.inside import Place, Reading

MACHINE = "monitor"
PORT = 6380
HISTORY = tuple(f"icinga:history:stream:{kind}" for kind in ("state", "notification", "downtime", "comment", "flapping", "acknowledgement"))
INFO = {"used_memory": "memory_bytes", "used_memory_peak": "memory_peak_bytes", "total_commands_processed": "commands", "rejected_connections": "refused_connections"}


def encoded(*words: str) -> bytes:
    """A command in RESP 2 (https://valkey.io/topics/protocol/). Pure."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        raw = word.encode()
        parts += [f"${len(raw)}\r\n".encode(), raw, b"\r\n"]
    return b"".join(parts)


class Probe:
    """One connection, opened anew when it breaks."""

    def __init__(self, place: Place) -> None:
        self._password = (place.secrets or {})["redis"]
        self._socket: socket.socket | None = None
        self._data = b""

    def read(self, turn: int) -> Iterator[Reading]:
        """INFO and the lengths of the history streams, in one round trip."""
        try:
            if self._socket is None:
                self._socket, self._data = socket.create_connection(("127.0.0.1", PORT), 5), b""
                self._socket.sendall(encoded("AUTH", self._password))
                self._answer()
            self._socket.sendall(encoded("INFO") + b"".join(encoded("XLEN", name) for name in HISTORY))
            info = self._answer()
            lengths = [int(self._answer()) for _ in HISTORY]
        except OSError:
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            raise
        told = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        for name, metric in INFO.items():
            yield metric, float(told[name]), ""
        for name, length in zip(HISTORY, lengths, strict=True):
            yield "icingadb_backlog", length, f"stream={name.rsplit(':', 1)[1]}"

    def _answer(self) -> str:
        """One answer: a simple string, a number or a bulk string. Raises OSError for an error of Valkey's."""
        line = self._line()
        if line.startswith("-"):
            raise OSError(line[1:])
        if not line.startswith("$"):
            return line[1:]
        size = int(line[1:])
        while len(self._data) < size + 2:
            self._more()
        text, self._data = self._data[:size], self._data[size + 2 :]
        return text.decode(errors="replace")

    def _line(self) -> str:
        while b"\r\n" not in self._data:
            self._more()
        line, self._data = self._data.split(b"\r\n", 1)
        return line.decode(errors="replace")

    def _more(self) -> None:
        assert self._socket is not None
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionError("Valkey closed the connection")
        self._data += part

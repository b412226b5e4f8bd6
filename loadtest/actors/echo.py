"""An actor for a target that sends lines back: it proves the generator, not a monitoring machine."""

from __future__ import annotations

import socket

from loadtest.arrivals import Arrival


class Kind:
    """Sends a line on a free connection and waits for it; has some from the start and opens another when all are waiting."""

    def __init__(self, name: str, *, host: str, port: int, connections: int = 1, timeout_s: float = 30) -> None:
        self._target = (host, port)
        self._connections = connections
        self._timeout_s = timeout_s
        self._free: list[socket.socket] = []

    def start(self) -> None:
        self._free += [self._connect() for _ in range(self._connections)]

    def arrive(self, arrival: Arrival, intended: float) -> None:
        connection = self._free.pop() if self._free else self._connect()
        try:
            line = b"%d\n" % arrival.n
            connection.sendall(line)
            answer = connection.recv(64)
            if answer != line:
                raise OSError(f"the target answered {answer!r}")
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)

    def stop(self) -> None:
        for connection in self._free:
            connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._target, self._timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

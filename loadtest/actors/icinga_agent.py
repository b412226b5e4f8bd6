"""A host's Icinga agent under load: its TLS connection to the master, kept up like a real agent's, and the results it pushes.

The protocol is provision/protocol. A result counts as answered when the agent has it in its log and, while it is connected, its bytes are with the kernel: what
the master made of it is measured on the master's side.

Like a real agent, this one keeps each result until the master says that it has it (log::SetLogPosition), and after a reconnect first sends again what it
kept: an outage ends with all results that fell into it (Icinga's documentation, Distributed Monitoring, Endpoint, log_duration).
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time

from loadtest.arrivals import Arrival
from provision import plausible
from provision.mutual_tls import client_context, common_name
from provision.protocol.agent_session import (
    RECONNECT_S,
    Acknowledged,
    AgentSession,
    Closed,
    Connected,
)
from provision.protocol.icinga import CheckResultEncoder
from provision.protocol.replay_log import ReplayLog
from provision.pusher_spec import StateModel
from vm.errors import WatchpostError

HANDSHAKE_S = 10.0
READY_S = 30.0


class Kind:
    """One agent. models: state models by check title; a check that is not named is always ok."""

    def __init__(
        self, name: str, *, master: tuple[str, int], endpoint: str, ca: str, certificate: str, key: str, address: str, seed: int,
        models: dict[str, dict[str, object]] | None = None,
    ) -> None:  # fmt: skip
        self.reconnects = 0
        self._name = name
        self._master, self._endpoint, self._source = (master[0], master[1]), endpoint, (address, 0)
        self._files = (ca, certificate, key)
        self._seed = seed
        self._models = {title: StateModel.model_validate(model) for title, model in (models or {}).items()}
        self._encoders: dict[str, CheckResultEncoder] = {}
        self._ended: dict[str, float] = {}
        self._session: AgentSession | None = None
        self._socket: ssl.SSLSocket | None = None
        self._using = threading.Lock()
        """Held by who reads or writes: a TLS connection is nothing for two threads at once."""
        self._log = ReplayLog()
        self._in_order = threading.Lock()
        """Held by who adds to the log or goes through it."""
        self._replayed = False
        self._greeted = threading.Event()
        self._running = True
        self._phase_s = RECONNECT_S * plausible.fraction(seed, name)  # agents did not all begin in the same second
        self._why = "not connected yet"

    def start(self) -> None:
        """Connect and wait for the master's greeting. Raises WatchpostError when it does not come."""
        threading.Thread(target=self._keep_connected, daemon=True).start()
        if not self._greeted.wait(READY_S):
            raise WatchpostError(f"{self._name} is not connected: {self._why}", f"{self._master[0]}:{self._master[1]}")

    def arrive(self, arrival: Arrival, intended: float) -> None:
        title = arrival.detail
        result = plausible.outcome(self._models.get(title, StateModel()), self._seed, self._name, title, arrival.n)
        if result.delay_s:
            time.sleep(result.delay_s)
        encoder = self._encoders.get(title)
        if encoder is None:
            encoder = self._encoders[title] = CheckResultEncoder(self._name, title, self._name, ["simulated", title])
        with self._in_order:
            self._keep(encoder, title, result, intended)
        with contextlib.suppress(OSError):  # the connection's own thread sees to it, and what was lost is in the log
            self._flush()

    def _keep(self, encoder: CheckResultEncoder, title: str, result: plausible.Outcome, intended: float) -> None:
        """Put a result into the log, and on its way where what was there before is on its way."""
        now = time.time()
        # one agent runs a check once at a time, and the master drops a result that began before the one it has
        started = max(now - result.run_s, self._ended.get(title, 0.0))
        self._ended[title] = now
        frame = encoder.encode(result.state, result.output, result.perfdata, scheduled=intended, started=started, ended=now)
        self._log.add(now, frame)
        if self._session and self._replayed:
            self._session.send(frame)

    def _replay(self, session: AgentSession) -> None:
        """Send again what the master did not acknowledge."""
        with self._in_order:
            for frame in self._log:
                session.send(frame)
            self._replayed = True

    def stop(self) -> None:
        self._running = False
        with self._using:
            if self._socket:  # which its own thread then closes
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _flush(self) -> None:
        with self._using:
            if self._session and self._socket and (data := self._session.take()):
                self._socket.sendall(data)

    def _keep_connected(self) -> None:
        while self._running:
            try:
                self._converse()
            except (OSError, ValueError) as error:  # gevent's for a socket that stop() has closed
                self._why = f"{type(error).__name__}: {error}"
            finally:
                with self._using:
                    if self._socket:
                        self._socket.close()
                    self._session = self._socket = None
                self._replayed = False
            # the real agent looks every 10 s which of its connections is down
            time.sleep(RECONNECT_S - (time.monotonic() - self._phase_s) % RECONNECT_S)
            self.reconnects += 1

    def _converse(self) -> None:
        """One connection from its beginning to its end."""
        ca, certificate, key = self._files
        plain = socket.create_connection(self._master, HANDSHAKE_S, self._source)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            secured = client_context(ca, certificate, key).wrap_socket(plain, server_hostname=self._endpoint)
        except BaseException:
            plain.close()
            raise
        self._socket = secured
        name = common_name(secured.getpeercert())
        if name != self._endpoint:
            raise OSError(f"the master's certificate is for {name or 'nobody'}, not for {self._endpoint}")
        session = self._session = AgentSession(time.monotonic())
        self._flush()
        while self._running and session.state != "closed":
            wait_s = max(0.05, session.due - time.monotonic())
            secured.settimeout(wait_s)
            try:
                events = session.receive(self._read(secured, wait_s), time.monotonic())
            except TimeoutError:
                events = session.tick(time.monotonic())
            for event in events:
                if isinstance(event, Connected):
                    self._replay(session)
                    self._greeted.set()
                elif isinstance(event, Acknowledged):
                    with self._in_order:
                        self._log.acknowledge(event.position)
                elif isinstance(event, Closed):
                    self._why = event.reason
            self._flush()

    def _read(self, secured: ssl.SSLSocket, wait_s: float) -> bytes:
        """What has come, once something has. Raises TimeoutError when nothing does."""
        if not secured.pending() and not select.select([secured], [], [], wait_s)[0]:
            raise TimeoutError
        with self._using:
            return secured.recv(65536)

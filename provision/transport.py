"""Sends the protocol library's requests over a socket: mutual TLS with one pinned CA, or plain HTTP over a channel.

The only place of the Puppet client that does I/O. What a request means is in provision/protocol.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from provision.protocol.http import Request, Response
from vm.errors import WatchpostError


@dataclass(frozen=True)
class Server:
    """Where a server answers and by which name and CA it is known.

    source: address to connect from. dial: another way to a connected socket than the address.
    """

    name: str
    address: str
    port: int
    ca: Path
    timeout_s: float = 120
    source: str | None = None
    dial: Callable[[], socket.socket] | None = None

    def client(self, certificate: Path | None = None, key: Path | None = None) -> Client:
        """A client of this server, with a certificate of its own or without."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)

        def connect() -> socket.socket:
            plain = self._dialled() if self.dial is None else self.dial()
            try:
                return context.wrap_socket(plain, server_hostname=self.name)
            except BaseException:
                plain.close()
                raise

        return Client(self.name, self.port, connect, self.timeout_s)

    def _dialled(self) -> socket.socket:
        source = None if self.source is None else (self.source, 0)
        plain = socket.create_connection((self.address, self.port), self.timeout_s, source)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain


class Client:
    """One connection at a time, opened when needed and kept between requests. Not for use by two threads at once."""

    def __init__(self, name: str, port: int, connect: Callable[[], socket.socket], timeout_s: float) -> None:
        self.name = name
        self.port = port
        self._connect = connect
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def send(self, request: Request) -> Response:
        """Send one request and read its answer; on a kept connection that the server closed, once more on a new one.

        Raises WatchpostError when the server cannot be reached, is not the one of the CA, or does not answer.
        """
        kept = self._connection is not None
        try:
            return self._exchange(request)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            if not kept:
                raise self._unreachable(error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error
        try:
            return self._exchange(request)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error

    def send_fresh(self, request: Request) -> Response:
        """Send a request on a new connection."""
        self.close()
        return self.send(request)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _exchange(self, request: Request) -> Response:
        if self._connection is None:
            connection = http.client.HTTPConnection(self.name, self.port, timeout=self._timeout_s)
            connection.sock = self._connect()
            self._connection = connection
        connection = self._connection
        connection.request(request.method, request.target, request.body or None, dict(request.headers))
        answer = connection.getresponse()
        body = answer.read()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if answer.will_close:
            self.close()
        return Response(answer.status, headers, body)

    def _unreachable(self, error: Exception) -> WatchpostError:
        where = f"{self.name}:{self.port}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return WatchpostError(f"{where} is not the server of this CA: {error.verify_message}", where)
        if isinstance(error, TimeoutError):
            return WatchpostError(f"{where} did not answer within {self._timeout_s:.0f} s", where)
        return WatchpostError(f"{where} cannot be reached: {error or type(error).__name__}", where)

"""A JSON request on a connection that is kept. Not a probe."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

TIMEOUT_S = 5.0


class Kept:
    """One server, asked again and again on the same connection."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def ask(self, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises OSError or ValueError; the next call connects anew."""
        try:
            headers = {"Accept": "application/json", "Content-Type": "application/json"}
            self._connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if answer.status != 200:
            raise ValueError(f"{path} answers {answer.status}")
        return json.loads(text)


def tls(port: int, ca: Path, certificate: Path, key: Path) -> Kept:
    """A server on this machine's loopback that wants a certificate of this CA. Its own name is not looked at: nobody else listens there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca)
    context.load_cert_chain(certificate, key)
    return Kept(http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=context))


def jvm(status: dict[str, Any]) -> tuple[tuple[str, float, str], ...]:
    """Heap and garbage collection, from Trapperkeeper's status service. Pure."""
    found = status["status-service"]["status"]["experimental"]["jvm-metrics"]
    collected_ms = sum(one["total-time-ms"] for one in found["gc-stats"].values())
    return (
        ("heap_used_mib", found["heap-memory"]["used"] / 2**20, ""),
        ("heap_committed_mib", found["heap-memory"]["committed"] / 2**20, ""),
        ("gc_s", collected_ms / 1000, ""),
    )

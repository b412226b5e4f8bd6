"""Icinga's API client against a TLS server that answers what a 2.14.6 master was recorded to answer."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision import icinga_api
from provision.icinga_api import ApiAccess
from provision.mutual_tls import common_name
from provision.throwaway_ca import Authority
from vm.errors import WatchpostError

RECORDED = Path(__file__).parents[2] / "recorded" / "icinga-status.json"
SERVICES = {
    "results": [
        {"attrs": {"name": "load", "host_name": "a", "state": 0.0, "problem": False, "handled": False, "last_check_result": {"output": "fine"}}},
        {"attrs": {"name": "disk", "host_name": "a", "state": 3.0, "problem": True, "handled": False, "last_check_result": None}},
    ]
}
BAD = {"state": 2.0, "problem": True, "handled": False, "last_check_result": {"output": "bad"}}
HOSTS = {"results": [{"attrs": BAD | {"name": "b", "state": 1.0}}, {"attrs": BAD | {"name": "a", "problem": False}}]}
PROBLEMS = {"results": [*SERVICES["results"], {"attrs": BAD | {"name": "ping", "host_name": "b"}}, {"attrs": BAD | {"name": "known", "host_name": "a", "handled": True}}, {"attrs": BAD | {"name": "disk-often", "host_name": "a", "check_command": "failure_frequency"}}]}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers like Icinga: 401 for everybody but the harness."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.connection, ssl.SSLSocket)
        allowed = common_name(self.connection.getpeercert()) == "harness.lab.test"
        if not allowed:
            code, body = 401, b'{"error":401,"status":"Unauthorized."}'
        elif self.path == "/v1/status":
            code, body = 200, b'{"results":' + RECORDED.read_bytes() + b"}"
        elif "filter=" in self.path:
            code, body = 403, b'{"error":403,"status":"Missing permission: filter-expression"}'
        elif self.path.startswith("/v1/objects/hosts?"):
            code, body = 200, json.dumps(HOSTS).encode()
        elif "attrs=problem" in self.path:
            code, body = 200, json.dumps(PROBLEMS).encode()
        elif self.path.startswith("/v1/objects/services?"):
            code, body = 200, json.dumps(SERVICES).encode()
        else:
            code, body = 200, b"<html>"
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def server(authority: Authority, name: str = "icinga.lab.test") -> Iterator[int]:
    key, certificate = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield listening.server_address[1]
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def access(authority: Authority, port: int, name: str = "harness.lab.test") -> ApiAccess:
    key, certificate = authority.issue(name)
    return ApiAccess(address="127.0.0.1", port=port, ca=authority.certificate, certificate=certificate, key=key)


def test_the_recorded_status_is_counted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with server(authority) as port:
        found = icinga_api.status(access(authority, port))
        states = icinga_api.service_states(access(authority, port))
    assert found.version.startswith("r2.14.6")
    assert found.services["ok"] == 1000 and found.services["pending"] == 0 and found.hosts["up"] == 50
    assert (found.endpoints, found.endpoints_connected, found.endpoints_missing) == (50, 50, ())
    assert found.checks_per_minute >= 1000
    assert [(row.service, row.state, row.has_result, row.output) for row in states] == [
        ("load", 0, True, "fine"),
        ("disk", 3, False, ""),
    ]


def test_what_is_bad_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with server(authority) as port:
        found = icinga_api.troubles(access(authority, port))
    assert [str(one) for one in found] == ["b DOWN: bad", "a disk UNKNOWN: it said nothing"], "what is acknowledged, what is on a host that is down and what speaks of the past is left out"


def test_refusals_and_strange_answers_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with server(authority) as port:
        with pytest.raises(WatchpostError, match="answers 401"):
            icinga_api.status(access(authority, port, "web-001.lab.test"))
        with pytest.raises(WatchpostError, match="something else"):
            icinga_api.get(access(authority, port), "/elsewhere")
    with pytest.raises(WatchpostError, match="does not answer"):
        icinga_api.status(access(authority, port))


def test_a_status_without_its_counts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setattr(icinga_api, "get", lambda *_: [{"name": "CIB", "status": {}}])
    with pytest.raises(WatchpostError, match="status lacks 'ApiListener'"):
        icinga_api.status(access(authority, 1))


def test_a_server_with_another_name_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with server(authority, "web-001.lab.test") as port, pytest.raises(WatchpostError, match="is for web-001"):
        icinga_api.status(access(authority, port))

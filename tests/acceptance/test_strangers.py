"""Who has no key and no password sends what it likes to the monitor's two open ports (THREAT-N4), or reports in an agent's name (THREAT-N2)."""

from __future__ import annotations

import json
import random
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from loadtest.generator import in_namespace
from provision import enrolment, icinga_api
from provision.mutual_tls import client_context
from provision.protocol.icinga import CheckResultEncoder, State, hello, notification
from provision.pusher_spec import PusherSpec
from provision.throwaway_ca import Authority
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import answers, commands, of_role, reloaded, service, worker
from tests.acceptance.speaker import behaving
from tests.acceptance.test_stolen_key import API, DEEP, PLACE
from vm.artefact import load
from vm.command import run
from vm.drivers import container
from vm.wait import wait_until

SEED = 20261126
ROUNDS = 200
ANSWER_S = 5.0
MASTER_PORT, WEB_PORT = 5665, 443
REQUESTS = "/var/lib/icinga2/certificate-requests"
CALLS = 6
"""So many of the messages are calls; they come first."""
STRANGE = "192.0.2.77"
"""An address for documentation (RFC 5737)."""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5, (sys.argv[3], 0)).close()"


def secured(lab: LiveLab, port: int) -> ssl.SSLSocket:
    """A TLS connection without a certificate of its own."""
    context = ssl.create_default_context(cafile=str(lab.ca_path))
    context.check_hostname = False
    plain = socket.create_connection((lab.web_address, port), ANSWER_S)
    try:
        return context.wrap_socket(plain, server_hostname=lab.web_name)
    except BaseException:
        plain.close()
        raise


def netstring(payload: bytes) -> bytes:
    return b"%d:%s," % (len(payload), payload)


def messages(draw: random.Random, certificate: str) -> Iterator[bytes]:
    """To Icinga: calls that only others may make, what is no netstring, what is no JSON. certificate: which to ask for."""
    now = time.time()
    calls: list[tuple[str, dict[str, Any]]] = [
        ("icinga::Hello", {"version": 21400, "capabilities": 0}), ("config::Update", {"update": {"master": {"/x.conf": 'object User "x" {}'}}}),
        ("config::UpdateObject", {"name": "x", "type": "User", "version": now, "config": 'object User "x" {}'}),
        ("event::ExecuteCommand", {"command_type": "check_command", "command": "dummy", "host": "x", "macros": {}}),
        ("pki::RequestCertificate", {"cert_request": certificate, "ticket": "x"}), ("pki::UpdateCertificate", {"status": 0, "cert": "x", "ca": "x"}),
    ]  # fmt: skip
    yield from (notification(method, params, ts=now) for method, params in calls)
    yield netstring(DEEP)
    yield netstring(b'{"jsonrpc":"2.0","method":"' + b"x" * 1_000_000 + b'"}')
    for _ in range(ROUNDS):
        junk = draw.randbytes(draw.randrange(1, 400))
        yield draw.choice([junk, netstring(junk), b"%d:" % draw.randrange(10**12) + junk, b"-1:" + junk, b"0" * 400, b"GET /" + junk + b"\r\n\r\n", netstring(b"[" * draw.randrange(1, 5000))])


def requests(draw: random.Random) -> Iterator[bytes]:
    """To the web: what is no HTTP, and HTTP without the password."""
    yield b"GET /icingaweb2/ HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n"
    yield b"POST /icingaweb2/authentication/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\nx"
    for _ in range(ROUNDS):
        junk = draw.randbytes(draw.randrange(1, 300))
        method = draw.choice([b"GET", b"POST", b"PUT", b"TRACE", b"CONNECT", b"\x00", junk[:4]])
        path = draw.choice([b"/", b"/icingaweb2/", b"/icingaweb2/../../etc/passwd", b"/%00", b"/icingaweb2/index.php/" + junk.hex().encode()])
        head = draw.choice([b"Host: monitor", b"Transfer-Encoding: chunked", b"Authorization: Basic " + junk.hex().encode(), junk])
        yield draw.choice([junk, method + b" " + path + b" HTTP/1.1\r\n" + head + b"\r\nConnection: close\r\n\r\n" + junk])


def said(lab: LiveLab, port: int, words: bytes, opened: Callable[[LiveLab, int], socket.socket]) -> bytes:
    """What came back until the other side closed, or said nothing for a moment."""
    came = b""
    try:
        with closing(opened(lab, port)) as connection:
            connection.settimeout(0.2)
            connection.sendall(words)
            while len(came) < 65536 and (part := connection.recv(65536)):
                came += part
    except OSError:  # closed under our hands, or nothing more comes: as good an answer as any
        pass
    return came


def in_the_clear(lab: LiveLab, port: int) -> socket.socket:
    """A connection without TLS."""
    return socket.create_connection((lab.web_address, port), ANSWER_S)


@pytest.mark.requirement("THREAT-N4")
def test_n4_icinga_survives_what_strangers_send_and_learns_nothing(lab: LiveLab, tmp_path: Path, record_property: Any) -> None:
    """The control: where Icinga listens to strangers, the same messages leave a certificate request."""
    certificate = Authority(tmp_path).issue("stranger")[1].read_text()
    machine = lab.machine("monitor")

    def left() -> set[str]:
        return set(machine.run(["find", REQUESTS, "-type", "f"], check=False).stdout.split())

    before = worker(lab), commands(lab), left()
    assert before[0], "control: it answers"
    for count, words in enumerate(messages(random.Random(SEED), certificate), 1):
        said(lab, MASTER_PORT, words, secured)
        if count % 10 == 0:
            said(lab, MASTER_PORT, words, in_the_clear)
    wait_until(lambda: answers(lab), reason="Icinga answers, with all agents connected", deadline_s=60)
    assert (worker(lab), commands(lab), left()) == before, "the same process, no new command, no certificate request kept"
    assert not [one for one in icinga_api.get(lab.api(), "/v1/objects/users?attrs=name") if one["name"] == "x"]
    try:
        with reloaded(lab, PLACE, "", {API: ("max_anonymous_clients = 0", "max_anonymous_clients = 9")}):
            for words in islice(messages(random.Random(SEED), certificate), CALLS):
                said(lab, MASTER_PORT, words, secured)
            wait_until(lambda: left() - before[2], reason="a certificate request of a stranger, where strangers are heard", deadline_s=20)
    finally:
        machine.run(["rm", "-f", "--", *(left() - before[2])])
        machine.close()
    record_property("evidence", f"{count} messages of a peer without a certificate: process {before[0]} as before, nothing learned; weakened, it keeps a request for a certificate")


def connects(lab: LiveLab, source: str, port: int) -> bool:
    """Whether a connection from an address in the fleet comes about."""
    argv = in_namespace(str(container.network_namespace(lab.lab, "fleet")), [sys.executable, "-c", CONNECT, lab.web_address, str(port), source])
    return run(argv, check=False).returncode == 0


@pytest.mark.requirement("THREAT-N4")
def test_n4_icingas_port_is_open_to_the_labs_addresses_alone(lab: LiveLab, record_property: Any) -> None:
    """The controls: from the strange address the web is reached, so that there is a way, and from the fleet's own both are."""
    own, monitor = str(lab.lab.address("fleet")), lab.machine("monitor")
    fleet = str(container.network_namespace(lab.lab, "fleet"))
    try:
        run(in_namespace(fleet, ["ip", "address", "add", f"{STRANGE}/32", "dev", "host0"]))
        monitor.run(["ip", "route", "add", STRANGE, "via", own])
        found = {(source, port): connects(lab, source, port) for source in (own, STRANGE) for port in (WEB_PORT, MASTER_PORT)}
    finally:
        monitor.run(["ip", "route", "delete", STRANGE], check=False)
        run(in_namespace(fleet, ["ip", "address", "delete", f"{STRANGE}/32", "dev", "host0"]), check=False)
        monitor.close()
    assert found == {(own, WEB_PORT): True, (own, MASTER_PORT): True, (STRANGE, WEB_PORT): True, (STRANGE, MASTER_PORT): False}
    record_property("evidence", f"from {STRANGE}, which is not of the lab, {WEB_PORT} is reached and {MASTER_PORT} is not; from {own} both are")


@pytest.mark.requirement("THREAT-N4")
def test_n4_the_web_survives_what_strangers_send_and_shows_nothing(lab: LiveLab, record_property: Any) -> None:
    draw = random.Random(SEED)
    machine = lab.machine("monitor")
    before = machine.run(["systemctl", "show", "--property=MainPID,NRestarts", "nginx.service", "php8.4-fpm.service"]).stdout
    statuses: dict[bytes, int] = {}
    for words in requests(draw):
        came = said(lab, WEB_PORT, words, secured)
        status = came.split(b" ", 2)[1] if came.startswith(b"HTTP/") else b"none"
        statuses[status] = statuses.get(status, 0) + 1
        assert not any(host.encode() in came for host in lab.hosts)
    assert b"401" in statuses and not {one for one in statuses if one.startswith(b"2")}, statuses
    assert machine.run(["systemctl", "show", "--property=MainPID,NRestarts", "nginx.service", "php8.4-fpm.service"]).stdout == before
    machine.close()
    record_property("evidence", "answers without a password: " + json.dumps({status.decode(errors="replace"): count for status, count in sorted(statuses.items())}))


@pytest.mark.requirement("THREAT-N2", "THREAT-A3")
def test_n2_a_certificate_that_others_made_reports_for_nobody(lab: LiveLab, tmp_path: Path, record_property: Any) -> None:
    """Who stands between agent and monitor can make a certificate in the agent's name, by a CA of its own; another host, by its own key, which the CA has certified. The agent's own is the control."""
    name, thief = of_role(lab, "bittorrent"), of_role(lab, "gitolite")
    spec = load(PusherSpec, lab.lab.records / "pusher.json")
    (host,) = (one for one in spec.hosts if one.certname == name)
    forged = {"another CA": Authority(tmp_path).issue(name), "another host's key": by_a_host(lab, thief, name, tmp_path / "thief")}
    with behaving(lab, lambda one: None if one.certname == name else one):
        wait_until(lambda: name in icinga_api.status(lab.api()).endpoints_missing, reason="the agent is gone", deadline_s=30)
        for who, (key, certificate) in forged.items():
            with closing(told_by(lab, certificate, key, name, host.checks[0].title, f"by {who}")):
                time.sleep(3)
                assert name in icinga_api.status(lab.api()).endpoints_missing, f"{who} is not taken for the agent"
            assert service(lab, name, host.checks[0].title)["last_check_result"]["output"] != f"by {who}"
        with closing(told_by(lab, host.certificate, host.key, name, host.checks[0].title, "by the agent itself")):
            wait_until(lambda: service(lab, name, host.checks[0].title)["last_check_result"]["output"] == "by the agent itself", reason="the agent's own word", deadline_s=20)
    wait_until(lambda: answers(lab), reason="the agent is back", deadline_s=60)
    record_property("evidence", f"a certificate for {name} by {' or '.join(forged)}: no connection of that endpoint, no result; with its own, both")


def by_a_host(lab: LiveLab, issuer: str, name: str, folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for a name that a host signed with its own key, with that host's own certificate after it."""
    mine = enrolment.identity(lab.identities, issuer)
    signs = load_pem_private_key(mine.key.read_bytes(), None)
    assert isinstance(signs, EllipticCurvePrivateKey)
    folder.mkdir()
    key, certificate = Authority(folder, issuer, signs).issue(name)
    x509.load_pem_x509_certificate(certificate.read_bytes()).verify_directly_issued_by(x509.load_pem_x509_certificate(mine.certificate.read_bytes()))
    certificate.write_bytes(certificate.read_bytes() + mine.certificate.read_bytes())
    return key, certificate


def told_by(lab: LiveLab, certificate: Path, key: Path, host: str, title: str, output: str) -> ssl.SSLSocket:
    """A connection with this certificate, on which a result of a host was sent."""
    now = time.time()
    plain = socket.create_connection((lab.web_address, MASTER_PORT), ANSWER_S)
    secured = client_context(lab.ca_path, certificate, key).wrap_socket(plain, server_hostname=lab.lab.fqdn("icinga"))
    with suppress(OSError):  # it may be closed under our hands
        secured.sendall(hello() + CheckResultEncoder(host, title, host, ["x"]).encode(State.OK, output, scheduled=now, started=now, ended=now))
    return secured

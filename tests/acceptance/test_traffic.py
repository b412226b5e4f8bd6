"""What flows in the lab: no secret (THREAT-N1), under keys that are each host's own (THREAT-A3)."""

from __future__ import annotations

import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provision import icinga_api
from tests.acceptance.conftest import LiveLab
from tests.acceptance.test_lab import known_secrets, seen_in
from tests.acceptance.test_web import visitor
from tests.acceptance.watching import LOOK_S, captured, repeated
from vm.command import run

CANARY = "a-word-in-the-clear-94c1"


@pytest.mark.requirement("THREAT-N1")
def test_n1_no_secret_flows_and_none_is_kept_where_people_look(lab: LiveLab, record_property: Any) -> None:
    """While the monitor's agent runs, somebody logs in, and a word in the clear is seen: the control."""
    secrets = known_secrets(lab)
    website = next(one for one in lab.hosts if one.startswith("website"))
    address = next(one["attrs"]["address"] for one in icinga_api.get(lab.api(), "/v1/objects/hosts?attrs=name&attrs=address") if one["name"] == website)
    with captured(lab.lab.bridge) as frames:
        time.sleep(0.5)
        machine = lab.machine("monitor")
        lab.run_puppet(machine)
        web = visitor(lab)
        web.login("admin", lab.secret("web_admin"))
        pages = {path: web.get(path).text.encode() for path in ("/icingaweb2/icingadb/hosts", "/icingaweb2/icingadb/services?limit=200")}
        lab.status()
        clear(address)
        time.sleep(2)
    traffic = {"the lab's traffic": bytes(frames)}
    assert seen_in({"control": CANARY.encode()}, traffic), "the capture itself sees nothing"
    assert len(frames) > 100_000
    assert not seen_in(secrets, traffic)
    dump = machine.run(["runuser", "-u", "postgres", "--", "pg_dump", "--data-only", "icingadb"]).stdout.encode()
    machine.close()
    assert seen_in({"control": website.encode()}, {"database": dump})
    assert not seen_in(secrets, {"database": dump, **pages})
    record_property("evidence", f"{len(secrets)} secrets sought in {len(frames)} bytes of traffic, {len(dump)} bytes of the database, {len(pages)} pages: none")


def clear(address: str) -> None:
    """A word to the fleet's web server, without TLS."""
    with socket.create_connection((address, 80), 10) as connection:
        connection.sendall(f"GET /{CANARY} HTTP/1.0\r\n\r\n".encode())
        connection.recv(4096)


def fingerprint(pem: bytes) -> bytes:
    """The public key of a certificate."""
    return x509.load_pem_x509_certificate(pem).public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.requirement("THREAT-A3")
def test_a3_every_machine_has_a_key_of_its_own(lab: LiveLab, record_property: Any) -> None:
    ours = [path for path in lab.identities.rglob("*.pem") if path.read_bytes().startswith(b"-----BEGIN CERTIFICATE")]
    keys = {path: fingerprint(path.read_bytes()) for path in ours}
    for port, name in ((443, lab.web_name), (5665, lab.lab.fqdn("icinga"))):
        pem = ssl.get_server_certificate((lab.web_address, port))
        keys[lab.identities / name] = fingerprint(pem.encode())
    assert len(keys) >= len(lab.hosts) + 2
    assert len(set(keys.values())) == len(keys)
    loose = [path for path in lab.identities.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes() and path.stat().st_mode & 0o077]
    assert not loose
    record_property("evidence", f"{len(keys)} certificates, as many keys")


WEAK = {
    "TLS 1.0": (ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0"),
    "TLS 1.1": (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
    "keys that are not ephemeral": (ssl.TLSVersion.TLSv1_2, "ALL:!kECDHE:!kDHE:@SECLEVEL=0"),
}
"""What no server of the monitor may agree to: a version, and the suites that are offered with it."""


def agreed(place: tuple[str, int], version: ssl.TLSVersion, suites: str) -> str:
    """The suite on which a server agrees, whoever it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(suites)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # old versions are what this is about
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(place, 10) as plain, context.wrap_socket(plain) as tls:
        return str((tls.cipher() or ("",))[0])


@contextmanager
def weak_server(lab: LiveLab, folder: Path) -> Iterator[tuple[str, int]]:
    """Somebody in the lab who agrees to all that: on the one port, with one key of RSA."""
    key, certificate = folder / "weak.key", folder / "weak.crt"
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=weak", "-keyout", key, "-out", certificate])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1

    with socket.create_server((str(lab.lab.gateway), 0)) as listening:
        listening.settimeout(LOOK_S)

        def greet() -> None:
            with suppress(OSError), listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as tls:
                tls.recv(1)

        with repeated(greet):
            yield listening.getsockname()[:2]


@pytest.mark.requirement("THREAT-A3")
def test_a3_captured_traffic_stays_closed_to_who_has_a_key_later(lab: LiveLab, tmp_path: Path, record_property: Any) -> None:
    """Versions and key exchanges that would not do are refused by the server's own word; the control, that they are really offered: a weak server agrees to each."""
    found = []
    with weak_server(lab, tmp_path) as weak:
        for port in (443, 5665):
            place = (lab.web_address, port)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                suite = agreed(place, version, "ALL:@SECLEVEL=0")
                assert suite.startswith(("ECDHE-", "TLS_")), f"{port}: {suite}"  # the suites of TLS 1.3 have ephemeral keys all
                found.append(f"{port} {suite}")
            for what, (version, suites) in WEAK.items():
                assert agreed(weak, version, suites), f"control: {what}"
                with pytest.raises(ssl.SSLError, match="(?i)alert"):
                    agreed(place, version, suites)
    record_property("evidence", f"agreed on {', '.join(found)}; refused {', '.join(WEAK)}, to which a weak server agrees")

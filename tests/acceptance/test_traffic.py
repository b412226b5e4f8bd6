"""What flows in the lab: no secret (THREAT-N1), under keys that are each host's own (THREAT-A3)."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provision import icinga_api
from provision.protocol.icinga import State
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role, service
from tests.acceptance.speaker import speaking
from tests.acceptance.test_lab import known_secrets, seen_in
from tests.acceptance.test_web import visitor
from tests.acceptance.watching import captured
from vm.wait import wait_until

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


@pytest.mark.requirement("THREAT-A3")
def test_a3_captured_traffic_stays_closed_to_who_has_a_key_later(lab: LiveLab, record_property: Any) -> None:
    """Each key exchange is ephemeral: a server that took another could be made to."""

    def agreed(port: int, ciphers: str) -> str:
        context = ssl.create_default_context(cafile=str(lab.ca_path))
        context.check_hostname = False
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        with socket.create_connection((lab.web_address, port), 10) as plain, context.wrap_socket(plain, server_hostname=lab.web_name) as tls:
            return str((tls.cipher() or ("",))[0])

    for port in (443, 5665):
        assert agreed(port, "ECDHE").startswith("ECDHE"), "control"
        with pytest.raises(ssl.SSLError, match="(?i)alert"):
            agreed(port, "kRSA:@SECLEVEL=0")
    record_property("evidence", "443 and 5665 agree on ephemeral keys and refuse the exchange by RSA")


@pytest.mark.requirement("THREAT-A3")
def test_a3_a_key_speaks_for_its_own_host_alone(lab: LiveLab) -> None:
    """Under whatever name it comes, Icinga takes the one in its certificate: what it says of the other is not heard, of its own it is."""
    thief, victim = of_role(lab, "bittorrent"), of_role(lab, "gitolite")
    with speaking(lab, thief) as (speaker, titles):
        before = service(lab, victim, titles[0])["last_check_result"]["output"]
        own = speaker._name
        speaker._name = victim
        speaker.say(titles[0], State.CRITICAL, "in another's name")
        speaker._name = own
        speaker.say(titles[0], State.OK, "in my own name")
        wait_until(lambda: service(lab, thief, titles[0])["last_check_result"]["output"] == "in my own name", reason="its own result is taken", deadline_s=20)
        found = service(lab, victim, titles[0])
    assert found["last_check_result"]["output"] != "in another's name" and found["state"] == 0, before

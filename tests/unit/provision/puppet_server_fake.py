"""A Puppet server's certificate and catalog endpoints on loopback over TLS, signing by a shared secret; for tests."""

from __future__ import annotations

import hashlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AttributeOID, NameOID

NAME = "puppet.lab.test"
PEM = serialization.Encoding.PEM


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class FakePuppet:
    """What the CA holds; requests counts every request by method and path."""

    def __init__(self, directory: Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.sums: dict[str, str] = {}
        self.pending: dict[str, bytes] = {}
        self.signed: dict[str, bytes] = {}
        self.reports: dict[str, Any] = {}
        self.compile_error = ""
        self.connections = 0
        self.ca = directory / "fake-ca.pem"
        self.ca.write_bytes(self.sign("Fake CA", self.key.public_key(), ca=True))
        own = ec.generate_private_key(ec.SECP256R1())
        self.identity = directory / "fake-server.pem"
        secret = own.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.identity.write_bytes(secret + self.sign(NAME, own.public_key()))

    def sign(self, name: str, public: Any, *, ca: bool = False) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name("Fake CA")).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        names = x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-")), x509.IPAddress(IPv4Address("127.9.9.9"))])
        return builder.add_extension(names, critical=False).sign(self.key, hashes.SHA256()).public_bytes(PEM)

    def allow(self, certname: str, secret: str) -> None:
        self.sums[certname] = hashlib.sha256(secret.encode()).hexdigest()

    def put(self, certname: str, body: bytes) -> tuple[int, bytes]:
        for word, where in (("requested", self.pending), ("signed", self.signed)):
            if certname in where:
                return 400, f"{certname} already has a {word} certificate; ignoring certificate request".encode()
        request = x509.load_pem_x509_csr(body)
        secret = request.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value
        if hashlib.sha256(secret).hexdigest() == self.sums.get(certname):
            self.signed[certname] = self.sign(certname, request.public_key())
        else:
            self.pending[certname] = body
        return 200, b""

    def run(self, argv: Sequence[str]) -> None:
        """What the harness does on the machine `puppet`."""
        if argv[0] == "rm":
            self.pending.pop(Path(argv[-1]).stem, None)
        else:
            for certname in argv[1:]:
                self.signed.pop(certname, None)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        _, service, _, kind, certname = path.split("/")
        if (method, kind) == ("PUT", "certificate_request"):
            return self.put(certname, body)
        store = {"certificate": self.signed, "certificate_request": self.pending}.get(kind)
        if store is not None:
            return (200, store[certname]) if certname in store else (404, b"not found")
        if kind == "report":
            self.reports[certname] = json.loads(body)
            return 200, b"[]"
        if self.compile_error:
            return 500, json.dumps({"message": self.compile_error}).encode()
        checks = [{"type": "File", "title": "/etc/icinga2/watchpost.d/services/disk.conf", "parameters": {"content": "  check_interval = 60\n"}}]
        return 200, json.dumps({"name": certname, "version": 1, "resources": checks}).encode()


@contextmanager
def serve(fake: FakePuppet) -> Iterator[int]:
    """The fake on a port of loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            fake.connections += 1
            super().setup()

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, data = fake.answer(self.command, urlsplit(self.path).path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(fake.identity)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A protocol sink for tests and benchmarks: certificates of a throw-away CA and a TLS server that takes check results."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provision.mutual_tls import common_name
from provision.protocol.master_session import MasterSession
from provision.pusher_spec import PushedCheck, PushedHost, PusherSpec, StateModel
from vm.artefact import save


class Authority:
    """A CA in a folder: `issue` makes NAME.key and NAME.crt there."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.certificate = folder / f"{name}.crt"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._write(name, self._key, self._sign(self._name, self._key, True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A key and a certificate for a name; the two files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._write(name, key, self._sign(subject, key, False))

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ca: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        draft = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        draft = draft.public_key(key.public_key()).serial_number(x509.random_serial_number())
        draft = draft.not_valid_before(now - datetime.timedelta(days=1))
        draft = draft.not_valid_after(now + datetime.timedelta(days=9))
        draft = draft.add_extension(x509.BasicConstraints(ca, None), True)
        return draft.sign(self._key, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, cert: x509.Certificate) -> tuple[Path, Path]:
        paths = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        paths[0].write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        paths[1].write_bytes(cert.public_bytes(pem))
        return paths


def make_spec(
    authority: Authority, port: int, hosts: int, checks: int, interval_s: float, model: StateModel | None = None
) -> PusherSpec:
    """A spec of so many hosts, each with its own loopback address and certificate."""
    made = []
    for number in range(1, hosts + 1):
        name = f"web-{number:03d}.lab.test"
        key, certificate = authority.folder / f"{name}.key", authority.folder / f"{name}.crt"
        if not key.exists():
            authority.issue(name)
        titles = tuple(
            PushedCheck(title=f"check {n}", interval_s=interval_s, model=model or StateModel()) for n in range(checks)
        )
        address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        made.append(PushedHost(certname=name, address=address, key=key, certificate=certificate, checks=titles))
    return PusherSpec(
        master_address="127.0.0.1",
        master_port=port,
        ca=authority.certificate,
        seed=7,
        status=authority.folder / "status.json",
        hosts=tuple(made),
    )


@dataclass
class Sink:
    """A master that accepts everybody with a certificate and remembers what it was sent."""

    authority: Authority
    name: str = "icinga.lab.test"
    keep: bool = True
    results: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    count: int = 0
    peers: dict[str, str] = field(default_factory=dict)  # CN -> source address
    connections: int = 0
    port: int = 0
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        key, certificate = self.authority.issue(self.name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop all connections and listen no more."""
        assert self.server is not None
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = MasterSession()
        name = common_name(writer.get_extra_info("peercert"))
        self.peers[name] = writer.get_extra_info("peername")[0]
        self.connections += 1
        self.writers.add(writer)
        beat = asyncio.create_task(self._talk(session, writer))
        try:
            while data := await reader.read(65536):
                results = session.receive(data)
                self.count += len(results)
                if self.keep:
                    self.results += [(name, result) for result in results]
                if out := session.take():
                    writer.write(out)
        except (OSError, ssl.SSLError):
            pass
        finally:
            beat.cancel()
            self.writers.discard(writer)
            writer.close()

    async def _talk(self, session: MasterSession, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(5)  # a silent master is given up after a minute
            session.tick()
            writer.write(session.take())


async def _bench(folder: Path, hosts: int, checks: int, interval_s: float) -> None:
    """A sink that prints its count every 10 s, and the spec for a pusher beside it."""
    sink = Sink(Authority(folder), keep=False)
    await sink.start()
    save(make_spec(sink.authority, sink.port, hosts, checks, interval_s), folder / "spec.json")
    print("ready", flush=True)
    while True:
        await asyncio.sleep(10)
        figures = {"at": time.time(), "results": sink.count, "peers": len(sink.peers), "cpu_s": time.process_time()}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(_bench(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))

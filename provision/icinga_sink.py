"""A protocol sink on loopback for tests and benchmarks: a TLS server that takes agents' check results as a master does, and counts them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.mutual_tls import common_name
from provision.protocol.master_session import MasterSession
from provision.pusher_spec import PushedCheck, PushedHost, PusherSpec, StateModel
from provision.throwaway_ca import Authority


def make_spec(
    authority: Authority, port: int, hosts: int, checks: int, interval_s: float, model: StateModel | None = None
) -> PusherSpec:
    """A spec of so many hosts, each with its own loopback address and certificate, and so many checks each."""
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

"""The load generator across network namespaces: two workers, one beside the target and one a cable away, as on two machines."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtest.arrivals import Stream, shard_of
from loadtest.freeze import SERVER
from loadtest.generator import Generator, Rendezvous, in_namespace
from loadtest.load_spec import ActorSpec, LoadSpec, WorkerResult
from vm.artefact import load
from vm.command import run

pytestmark = pytest.mark.project

NEAR, FAR = "198.18.77.1", "198.18.77.2"
"""From the block that is set aside for benchmarks (RFC 2544)."""
SECONDS, ACTORS = 4.0, 8


@dataclass(frozen=True)
class Namespaces:
    """near and far are joined by a cable, apart has none; paths of their files."""

    near: str
    far: str
    apart: str


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    names = [f"watchpost-{os.getpid()}-{place}" for place in ("near", "far", "apart")]
    near, far, _ = names
    try:
        for name in names:
            run(["ip", "netns", "add", name])
            run(["ip", "-n", name, "link", "set", "lo", "up"])
        run(["ip", "-n", near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", far])
        for name, address in ((near, NEAR), (far, FAR)):
            run(["ip", "-n", name, "address", "add", f"{address}/30", "dev", "cable"])
            run(["ip", "-n", name, "link", "set", "cable", "up"])
        yield Namespaces(*(f"/run/netns/{name}" for name in names))
    finally:
        for name in names:
            run(["ip", "netns", "delete", name], check=False)


@pytest.fixture
def target(namespaces: Namespaces) -> Iterator[int]:
    """An echo server in the near namespace; its port."""
    served = SERVER.replace('"127.0.0.1"', f'"{NEAR}"')
    assert served != SERVER
    process = subprocess.Popen(in_namespace(namespaces.near, [sys.executable, "-c", served]), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def reaches(namespace: str, port: int) -> bool:
    """Whether a connection from a namespace to the target is taken."""
    code = f"import socket; socket.create_connection(({NEAR!r}, {port}), 3).close()"
    return run(in_namespace(namespace, [sys.executable, "-c", code]), check=False).returncode == 0


def test_only_a_cable_leads_to_the_target(namespaces: Namespaces, target: int) -> None:
    assert reaches(namespaces.near, target) and reaches(namespaces.far, target)
    assert not reaches(namespaces.apart, target)
    assert not reaches("", target)  # nor does the host's own namespace know of it


def test_two_workers_in_two_namespaces_share_a_load(namespaces: Namespaces, target: int, tmp_path: Path) -> None:
    names = [f"actor-{number}" for number in range(ACTORS)]
    assert {shard_of(name, 2) for name in names} == {0, 1}
    spec = LoadSpec(
        seed=1, workers=2, directory=tmp_path,
        actors=tuple(ActorSpec(name=name, kind="echo", settings={"host": NEAR, "port": target}) for name in names),
        streams=tuple(Stream(actor=name, what="echo", interval_s=0.2, ends_s=SECONDS, pattern="exact") for name in names),
    )  # fmt: skip
    generator = Generator(spec, Rendezvous(address=NEAR, master=namespaces.near, workers=(namespaces.near, namespaces.far)))
    try:
        generator.start()
        generator.begins()
        places = [os.readlink(f"/proc/{process.pid}/ns/net") for process in generator._processes]
        found = generator.result()
    finally:
        generator.stop()
    assert places[0] == places[1] != places[2]  # master and first worker beside the target, the second one a cable away
    assert found.sent == found.planned == round(ACTORS * SECONDS / 0.2)
    kind = found.kinds["echo"]
    assert (kind.answered, kind.failed, kind.errors) == (kind.planned, 0, {})
    parts = [load(WorkerResult, spec.results_of(number)).kinds["echo"] for number in (0, 1)]
    assert all(part.sent == part.answered > 0 for part in parts)
    assert sum(part.sent for part in parts) == found.planned

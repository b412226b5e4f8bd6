"""Puppet runs of simulated hosts: facts out, catalog in, report out, each as its own node over mutual TLS.

The real Puppet server compiles and stores everything; only the applying is left out. Certificates are in enrolment.py.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provision.enrolment import WORKERS, identity, in_parallel
from provision.protocol import puppet, puppet_report
from provision.protocol.puppet import Catalog
from provision.transport import Server
from vm.artefact import Record, write_file
from vm.errors import BadInput

SERVICE = re.compile(r"/watchpost\.d/services/([^/]+)\.conf\Z")
INTERVAL = re.compile(r"^  check_interval = (\d+)$", re.MULTILINE)


class AgentCheck(Record):
    """A check that the host's own agent runs."""

    title: str
    interval_s: float


class AgentRun(Record):
    """One Puppet run of a simulated host. resources: in its catalog (what it exports, the server keeps to itself).

    compile_s: from sending the facts to holding the catalog, waiting for a free interpreter of the server included.
    """

    version: int = 1
    certname: str
    compile_s: float
    report_s: float
    resources: int
    catalog_kib: int
    checks: tuple[AgentCheck, ...]


def agent_checks(catalog: Catalog) -> tuple[AgentCheck, ...]:
    """The checks that the catalog gives to the host's agent, by title: what its Icinga would read there."""
    files = {str(one["title"]): str(one.get("parameters", {}).get("content", "")) for one in catalog.resources if one["type"] == "File"}
    found = [
        AgentCheck(title=named[1], interval_s=float(interval[1]))
        for path, content in sorted(files.items()) if (named := SERVICE.search(path)) and (interval := INTERVAL.search(content))
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda check: check.title))


def run_agent(server: Server, certname: str, facts: Mapping[str, Any], directory: Path, *, plugins: bool = False) -> AgentRun:
    """Fetch a host's catalog with its facts, keep it as JSON, hand in the report of an unchanged run.

    plugins: list the environment's plugins first, as a real agent does. Raises WatchpostError naming the host.
    """
    mine = identity(directory, certname)
    if not mine.certificate.exists():
        raise BadInput(f"{certname} has no certificate yet", str(mine.certificate), "enrol it first")
    transaction = str(uuid.uuid4())
    with server.client(mine.certificate, mine.key) as client:
        if plugins:
            for mount in ("pluginfacts", "plugins"):
                puppet.read_plugins(certname, client.send(puppet.get_plugins(mount)))
        began, start = _now(), time.monotonic()
        answer = client.send(puppet.post_facts(certname, facts, began, transaction))
        compile_s = time.monotonic() - start
        catalog = puppet.read_catalog(certname, answer)
        write_file(mine.catalog, answer.body)
        report = puppet_report.unchanged(
            catalog, began=began, ended=_now(), compile_s=compile_s, transaction=transaction, server=server.name
        )
        start = time.monotonic()
        puppet.read_report_taken(certname, client.send(puppet.put_report(certname, report)))
    return AgentRun(
        certname=certname, compile_s=round(compile_s, 3), report_s=round(time.monotonic() - start, 3),
        resources=len(catalog.resources),
        catalog_kib=round(catalog.size / 1024), checks=agent_checks(catalog),
    )  # fmt: skip


def run_agents(
    server: Server, facts: Mapping[str, Mapping[str, Any]], directory: Path, *, workers: int = WORKERS, plugins: bool = False
) -> tuple[AgentRun, ...]:
    """Run several hosts' agents, a few at a time; the first failure ends the rest. facts by certname."""
    items: Sequence[tuple[str, Mapping[str, Any]]] = list(facts.items())
    return in_parallel(lambda item: run_agent(server, item[0], item[1], directory, plugins=plugins), items, workers)


def kept_catalog(directory: Path, certname: str) -> Catalog:
    """The catalog that the last run of a host kept. Raises BadInput when there is none."""
    path = identity(directory, certname).catalog
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"{certname} has no catalog yet", str(path), "run its agent first") from error
    return Catalog(certname, json.loads(data), len(data))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

"""A fleet in PuppetDB that is larger than any lab's: catalogs made from one that the Puppet server compiled. Pure.

What such a host exports is what a real host of the lab exports, under another name; the rest of its catalog is left out. Tags say which sizes of
fleet a host belongs to, so that one filled PuppetDB answers for all of them, the empty one included, and the monitor's own collecting sees none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vm.errors import WatchpostError

Row = Mapping[str, Any]
HOST = "Monitoring::Collected::Host"
NOBODY = "collecting-none"
"""A tag that no resource has."""


def label(hosts: int) -> str:
    """The tag of a fleet of so many hosts."""
    return f"collecting-{hosts}" if hosts else NOBODY


def certname(batch: str, number: int, domain: str) -> str:
    """The name of a made host. batch: new for every measurement, because PuppetDB 8.4 cannot store that only the tags of a known resource change:
    the command fails and is tried again for hours.
    """
    return f"collecting-{batch}-{number:04d}.{domain}"


def template(rows: Sequence[Row], services: int) -> tuple[Row, ...]:
    """What one real host exports: its host object and its first so many services, of the host that exports most.

    rows: exported resources as PuppetDB has them. Raises WatchpostError when no host exports that many.
    """
    by_host: dict[str, list[Row]] = {}
    for row in rows:
        by_host.setdefault(str(row["certname"]), []).append(row)
    _, most = max(by_host.items(), key=lambda item: (len(item[1]), item[0]), default=("", []))
    hosts = [row for row in most if row["type"] == HOST]
    found = sorted((row for row in most if row["type"] != HOST), key=lambda row: str(row["title"]))
    if len(hosts) != 1 or len(found) < services:
        raise WatchpostError(
            f"no host of the lab exports {services} services", "PuppetDB", f"run `invoke simulate --services {services}` first"
        )
    return (hosts[0], *found[:services])


def catalog(
    rows: Sequence[Row], batch: str, number: int, sizes: Sequence[int], domain: str, timestamp: str, producer: str
) -> dict[str, Any]:
    """The payload of `replace catalog` (version 9) for a made host. sizes: of the fleets that are asked for."""
    mine = certname(batch, number, domain)
    labels = [label(size) for size in sizes if number <= size]
    stage, main = {"type": "Stage", "title": "main"}, {"type": "Class", "title": "main"}
    plain = {"exported": False, "tags": [], "parameters": {}, "aliases": [], "file": None, "line": None}
    resources: list[dict[str, Any]] = [{**stage, **plain}, {**main, **plain}]
    edges = [{"source": stage, "target": main, "relationship": "contains"}]
    for row in rows:
        parameters = {**row["parameters"], "host": mine}
        title = mine if row["type"] == HOST else f"{mine} {parameters['service']}"
        known = {"type": row["type"], "title": title}
        tags = sorted({*row["tags"], *labels} - {"monitoring"})
        resources.append(
            {**known, "exported": True, "tags": tags, "parameters": parameters, "aliases": [], "file": row["file"], "line": row["line"]}
        )
        edges.append({"source": main, "target": known, "relationship": "contains"})
    return {
        "certname": mine, "version": timestamp, "environment": "production", "transaction_uuid": None, "catalog_uuid": None,
        "code_id": None, "job_id": None, "producer_timestamp": timestamp, "producer": producer, "resources": resources, "edges": edges,
    }  # fmt: skip

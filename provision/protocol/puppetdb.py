"""PuppetDB's HTTP API: commands, queries, the length of its queue. Builds requests, reads answers; no sockets."""

from __future__ import annotations

from typing import Any

from provision.protocol.http import Request, Response, json_body, target
from vm.errors import WatchpostError

JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def command(name: str, version: int, certname: str, payload: dict[str, Any]) -> Request:
    """Hand in a command; it is answered when queued, not when done."""
    where = target("pdb", "cmd", "v1", command=name, version=str(version), certname=certname)
    return Request("POST", where, JSON, json_body(payload))


def deactivate(certname: str, timestamp: str) -> Request:
    """Take a node out of every query and collection until it sends something newer than timestamp (ISO 8601)."""
    return command("deactivate_node", 3, certname, {"certname": certname, "producer_timestamp": timestamp})


def replace_catalog(certname: str, producer: str, timestamp: str, title: str) -> Request:
    """Store a catalog of one exported resource in a node's name: what a forger would send, for tests of refusals."""
    kind, exported = "Monitoring::Collected::Service", f"{certname} {title}"
    stage, main = {"type": "Stage", "title": "main"}, {"type": "Class", "title": "main"}
    forged = {"type": kind, "title": exported}
    plain = {"exported": False, "tags": [], "parameters": {}, "aliases": [], "file": None, "line": None}
    payload = {
        "certname": certname,
        "version": timestamp,
        "environment": "production",
        "transaction_uuid": None,
        "catalog_uuid": None,
        "code_id": None,
        "job_id": None,
        "producer_timestamp": timestamp,
        "producer": producer,
        "resources": [
            {**stage, **plain},
            {**main, **plain},
            {**forged, **plain, "exported": True, "tags": ["monitoring"], "parameters": {"service": title}},
        ],
        "edges": [
            {"source": stage, "target": main, "relationship": "contains"},
            {"source": main, "target": forged, "relationship": "contains"},
        ],
    }
    return command("replace_catalog", 9, certname, payload)


def query(pql: str) -> Request:
    """Ask in PQL."""
    return Request("POST", target("pdb", "query", "v4"), JSON, json_body({"query": pql}))


def get_status() -> Request:
    """Ask whether PuppetDB works and how many commands wait."""
    return Request("GET", target("status", "v1", "services", "puppetdb-status"), JSON)


def read_rows(answer: Response) -> list[dict[str, Any]]:
    """The rows of a query. Raises WatchpostError with PuppetDB's words when it refused."""
    if not answer.ok:
        raise WatchpostError(f"PuppetDB refused: HTTP {answer.status} {answer.text().strip()[:600]}", "PuppetDB")
    return list(answer.json())


def waiting_commands(answer: Response) -> int | None:
    """Commands not yet processed; None while PuppetDB is not ready to take any."""
    try:
        found = answer.json()
        ready = found["state"] == "running" and found["status"]["write_dbs_up?"]
        return int(found["status"]["queue_depth"] or 0) if ready else None
    except (ValueError, KeyError, TypeError):
        return None

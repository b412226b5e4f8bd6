"""The report of a Puppet run that found everything in order, as an agent of Puppet 8 writes it (format 12). Pure.

Agents leave unchanged resources out of their reports (exclude_unchanged_resources), so the statuses are empty and the
counts tell the size of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.protocol.puppet import ENVIRONMENT, Catalog

VERSION = "8.10.0"


def unchanged(catalog: Catalog, *, began: str, ended: str, compile_s: float, transaction: str, server: str) -> dict[str, Any]:
    """The report of a run with this catalog. began, ended: ISO 8601; transaction: that of the catalog's request."""
    counts = {
        "total": len(catalog.resources), "skipped": 0, "failed": 0, "failed_to_restart": 0, "restarted": 0, "changed": 0,
        "out_of_sync": 0, "scheduled": 0, "corrective_change": 0,
    }  # fmt: skip
    return {
        "host": catalog.certname,
        "time": began,
        "configuration_version": catalog.document.get("version", 0),
        "transaction_uuid": transaction,
        "catalog_uuid": catalog.document.get("catalog_uuid"),
        "code_id": catalog.document.get("code_id"),
        "job_id": None,
        "report_format": 12,
        "puppet_version": VERSION,
        "status": "unchanged",
        "noop": False,
        "noop_pending": False,
        "corrective_change": False,
        "environment": ENVIRONMENT,
        "cached_catalog_status": "not_used",
        "server_used": server,
        "transaction_completed": True,
        "logs": [
            {
                "level": "notice", "message": "Applied catalog", "source": "Puppet", "tags": ["notice"],
                "time": ended, "file": None, "line": None,
            }
        ],
        "metrics": {
            "resources": _metric("resources", counts),
            "time": _metric("time", {"config_retrieval": compile_s, "total": compile_s}),
            "changes": _metric("changes", {"total": 0}),
            "events": _metric("events", {"total": 0, "failure": 0, "success": 0}),
        },
        "resource_statuses": {},
    }  # fmt: skip


def _metric(name: str, values: Mapping[str, float]) -> dict[str, Any]:
    return {"name": name, "label": name.capitalize(), "values": [[key, key.capitalize(), value] for key, value in values.items()]}

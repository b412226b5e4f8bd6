"""The Puppet server's HTTPS API as an agent uses it: builds requests, reads answers. No sockets, no threads, no clocks.

Owns certificates, catalogs, plugin metadata and reports of one node. PuppetDB is in puppetdb.py. Every error names the node.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote_plus, urlencode

from provision.protocol.http import Request, Response, json_body, target
from vm.errors import WatchpostError

ENVIRONMENT = "production"
PEM = {"Accept": "text/plain"}
RICH = "application/vnd.puppet.rich+json"


class Requested(Enum):
    """What the CA said to a certificate request."""

    TAKEN = "taken"
    PENDING = "pending"  # a request of this name waits already, with another key or not
    SIGNED = "signed"  # the name has a certificate already


@dataclass(frozen=True)
class Catalog:
    """A node's compiled catalog and what is counted of it."""

    certname: str
    document: Mapping[str, Any]
    size: int

    @property
    def resources(self) -> tuple[Mapping[str, Any], ...]:
        """Resources of the node itself; those it exports go to PuppetDB and never to an agent."""
        return tuple(self.document["resources"])


def get_ca() -> Request:
    """Ask for the CA's certificates."""
    return Request("GET", target("puppet-ca", "v1", "certificate", "ca"), PEM)


def put_request(certname: str, request: bytes) -> Request:
    """Hand in a certificate request (PEM)."""
    headers = {**PEM, "Content-Type": "text/plain"}
    return Request("PUT", target("puppet-ca", "v1", "certificate_request", certname), headers, request)


def get_request(certname: str) -> Request:
    """Ask for the certificate request that waits under a name."""
    return Request("GET", target("puppet-ca", "v1", "certificate_request", certname), PEM)


def get_certificate(certname: str) -> Request:
    """Ask for a name's certificate. Send it on a fresh connection: after a request the old one may stall for 30 s."""
    return Request("GET", target("puppet-ca", "v1", "certificate", certname), PEM)


def clean(certname: str) -> Request:
    """Revoke a name's certificate and forget it, with its request. The CA takes this from its own machine alone."""
    body = json_body({"certnames": [certname]})
    return Request("PUT", target("puppet-ca", "v1", "clean"), {"Content-Type": "application/json"}, body)


def read_requested(certname: str, answer: Response) -> Requested:
    """What came of a certificate request.

    Raises WatchpostError when the CA refused it for another reason than the name being taken.
    """
    if answer.ok:
        return Requested.TAKEN
    for word in (Requested.SIGNED, Requested.PENDING):
        phrase = "signed certificate" if word is Requested.SIGNED else "requested certificate"
        if answer.status == 400 and phrase in answer.text():
            return word
    raise refused(certname, "the CA did not take the certificate request", answer)


def read_pem(certname: str, answer: Response) -> bytes | None:
    """A certificate or request (PEM), None when the CA has none. Raises WatchpostError on any other answer."""
    if answer.status == 404:
        return None
    if not answer.ok or not answer.body.startswith(b"-----BEGIN "):
        raise refused(certname, "the CA gave no certificate", answer)
    return answer.body


def post_facts(certname: str, facts: Mapping[str, Any], timestamp: str, transaction: str) -> Request:
    """Ask for a node's catalog, sending its facts. timestamp is ISO 8601, transaction a UUID."""
    document = json.dumps({"name": certname, "values": dict(facts), "timestamp": timestamp}, separators=(",", ":"))
    form = {
        "environment": ENVIRONMENT,
        "facts_format": "application/json",
        "facts": quote_plus(document),  # encoded twice, as agents do: the server decodes the field once more
        "transaction_uuid": transaction,
        "fail_on_404": "true",
    }
    headers = {"Accept": f"{RICH}, application/json", "Content-Type": "application/x-www-form-urlencoded"}
    where = target("puppet", "v3", "catalog", certname, environment=ENVIRONMENT)
    return Request("POST", where, headers, urlencode(form).encode())


def read_catalog(certname: str, answer: Response) -> Catalog:
    """The catalog. Raises WatchpostError with the compiler's own words when there is none."""
    if not answer.ok:
        raise refused(certname, "the Puppet server compiled no catalog", answer)
    try:
        document = answer.json()
        found = Catalog(str(document["name"]), document, len(answer.body))
        resources = found.resources
    except (ValueError, KeyError, TypeError) as error:
        raise WatchpostError(f"the Puppet server's answer to {certname} is no catalog", certname) from error
    if found.certname != certname or not resources:
        raise WatchpostError(f"{certname} got the catalog of {found.certname!r}", certname)
    return found


def get_plugins(mount: str = "plugins") -> Request:
    """Ask which plugin files the environment has, as an agent does before each run (mount: plugins or pluginfacts)."""
    query = {
        "recurse": "true", "links": "follow", "source_permissions": "ignore", "checksum_type": "sha256",
        "environment": ENVIRONMENT,
    }  # fmt: skip
    return Request("GET", target("puppet", "v3", "file_metadatas", mount, **query), {"Accept": "application/json"})


def read_plugins(certname: str, answer: Response) -> tuple[str, ...]:
    """Relative paths of the plugin files; none when the environment has no such directory."""
    if answer.status == 404:
        return ()
    if not answer.ok:
        raise refused(certname, "the Puppet server listed no plugins", answer)
    return tuple(str(entry["relative_path"]) for entry in answer.json())


def sources(catalog: Catalog) -> tuple[str, ...]:
    """The files on the server that the catalog's own resources take their content from, as puppet:/// addresses."""
    found = []
    for resource in catalog.resources:
        source = resource.get("parameters", {}).get("source") if resource["type"] == "File" else None
        first = source[0] if isinstance(source, list) and source else source
        if isinstance(first, str) and first.startswith("puppet:///"):
            found.append(first)
    return tuple(sorted(set(found)))


def get_metadata(source: str) -> Request:
    """Ask for the metadata of one file (puppet:///modules/NAME/PATH), as an agent does before it compares."""
    segments = source.removeprefix("puppet:///").split("/")
    query = {"links": "manage", "source_permissions": "ignore", "checksum_type": "sha256", "environment": ENVIRONMENT}
    return Request("GET", target("puppet", "v3", "file_metadata", *segments, **query), {"Accept": "application/json"})


def read_metadata(certname: str, answer: Response) -> str:
    """The file's checksum. Raises WatchpostError when the server knows no such file."""
    if not answer.ok:
        raise refused(certname, "the Puppet server knows no such file", answer)
    return str(answer.json()["checksum"]["value"])


def put_report(certname: str, report: Mapping[str, Any]) -> Request:
    """Hand in the report of a run."""
    where = target("puppet", "v3", "report", certname, environment=ENVIRONMENT)
    return Request("PUT", where, {"Accept": "application/json", "Content-Type": "application/json"}, json_body(report))


def read_report_taken(certname: str, answer: Response) -> None:
    """Raises WatchpostError unless the report was taken."""
    if not answer.ok:
        raise refused(certname, "the Puppet server did not take the report", answer)


def refused(certname: str, what: str, answer: Response) -> WatchpostError:
    """An error that names the node and carries the server's reason."""
    reason = answer.text().strip()
    try:
        reason = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        pass
    return WatchpostError(f"{certname}: {what}: HTTP {answer.status} {reason[:600]}", certname)

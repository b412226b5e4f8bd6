"""A read-only look at Icinga 2 through its HTTP API, by client certificate.

Asks /v1/status, which is cheap. The object lists cost the master many times their size in memory:
`service_states` and
`troubles` are for a single look, never for a loop.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from provision.mutual_tls import client_context, common_name
from vm.artefact import Record
from vm.errors import WatchpostError


class ApiAccess(Record):
    """Where the API is and who we are. The server must hold a certificate of the CA with the CN endpoint."""

    address: str
    port: int = 5665
    endpoint: str = "icinga.lab.test"
    ca: Path
    certificate: Path
    key: Path
    timeout_s: float = Field(default=10, gt=0)


class IcingaStatus(Record):
    """Counts from Icinga's own statistics.

    Results that agents push count as active: Icinga calls passive what came through its HTTP API.
    """

    version: str
    uptime_s: float
    hosts: dict[str, int]
    services: dict[str, int]
    endpoints: int
    endpoints_connected: int
    endpoints_missing: tuple[str, ...]
    active_checks_per_minute: float
    passive_checks_per_minute: float

    @property
    def checks_per_minute(self) -> float:
        """Both kinds together."""
        return self.active_checks_per_minute + self.passive_checks_per_minute


class ServiceState(Record):
    """One service as Icinga sees it now."""

    host: str
    service: str
    state: int
    has_result: bool
    output: str


HOST_STATES = ("UP", "DOWN")
SERVICE_STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


PAST = "failure_frequency"
"""The check command of an alert by frequency (monitoring::check, `often`)."""


class Trouble(Record):
    """A host (service is empty then) or service whose state is not good, and what its plugin said."""

    host: str
    service: str
    state: str
    output: str

    def __str__(self) -> str:
        said = self.output.strip().splitlines()[:1] or ["it said nothing"]
        return f"{self.host} {self.service}".strip() + f" {self.state}: {said[0][:120]}"


def _connect(access: ApiAccess) -> ssl.SSLSocket:
    context = client_context(access.ca, access.certificate, access.key)
    plain = socket.create_connection((access.address, access.port), access.timeout_s)
    try:
        secured = context.wrap_socket(plain, server_hostname=access.endpoint)
    except BaseException:
        plain.close()
        raise
    name = common_name(secured.getpeercert())
    if name != access.endpoint:
        secured.close()
        raise ssl.SSLError(f"the server's certificate is for {name or 'nobody'}, not for {access.endpoint}")
    return secured


def connection(access: ApiAccess) -> http.client.HTTPConnection:
    """An open connection to the API; the caller closes it."""
    made = http.client.HTTPConnection(access.endpoint, access.port, timeout=access.timeout_s)
    made.sock = _connect(access)
    return made


def get(access: ApiAccess, path: str) -> list[dict[str, Any]]:
    """The results of one GET. Raises WatchpostError for anything but a good answer."""
    with contextlib.closing(Kept(access)) as kept:
        return kept.get(path)


class Kept:
    """One connection for many questions: a handshake costs Icinga more than an answer. After an error the next question opens another."""

    def __init__(self, access: ApiAccess) -> None:
        self._access = access
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> list[dict[str, Any]]:
        """The results of one GET. Raises WatchpostError for anything but a good answer."""
        access = self._access
        where = f"https://{access.address}:{access.port}{path}"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(access.endpoint, access.port, timeout=access.timeout_s)
                self._connection.sock = _connect(access)
            self._connection.request("GET", path, headers={"Accept": "application/json"})
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            todo = "look at the unit icinga2 on the monitor"
            raise WatchpostError(f"Icinga's API does not answer: {error}", where, todo) from error
        if response.will_close:
            self.close()
        if response.status != 200:
            text = body[:200].decode(errors="replace")
            raise WatchpostError(f"Icinga's API answers {response.status}: {text}", where, "look at its ApiUser objects")
        return _results(body, where)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _results(body: bytes, where: str) -> list[dict[str, Any]]:
    try:
        results = json.loads(body)["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise WatchpostError("Icinga's API answers with something else than results", where) from error
    if not isinstance(results, list):
        raise WatchpostError("Icinga's API answers with something else than a list of results", where)
    return results


def read_status(results: list[dict[str, Any]]) -> IcingaStatus:
    """Make the record from the results of /v1/status (pure)."""
    parts = {result["name"]: result["status"] for result in results}
    cib, api = parts["CIB"], parts["ApiListener"]["api"]
    app = parts["IcingaApplication"]["icingaapplication"]["app"]
    return IcingaStatus(
        version=str(app["version"]),
        uptime_s=float(cib["uptime"]),
        hosts={state: int(cib[f"num_hosts_{state}"]) for state in ("up", "down", "unreachable", "pending")},
        services={
            state: int(cib[f"num_services_{state}"])
            for state in ("ok", "warning", "critical", "unknown", "unreachable", "pending")
        },
        endpoints=int(api["num_endpoints"]),
        endpoints_connected=int(api["num_conn_endpoints"]),
        endpoints_missing=tuple(sorted(api["not_conn_endpoints"])),
        active_checks_per_minute=float(cib["active_host_checks_1min"]) + float(cib["active_service_checks_1min"]),
        passive_checks_per_minute=float(cib["passive_host_checks_1min"]) + float(cib["passive_service_checks_1min"]),
    )


def status(access: ApiAccess) -> IcingaStatus:
    """Counts by state, endpoints and rates, now."""
    results = get(access, "/v1/status")
    try:
        return read_status(results)
    except (KeyError, TypeError, ValueError) as error:
        raise WatchpostError(f"Icinga's status lacks {error}", "/v1/status", "compare its version with 2.14") from error


def service_states(access: ApiAccess) -> tuple[ServiceState, ...]:
    """Every service with its last output: one expensive look, for tests."""
    attributes = "&".join(f"attrs={name}" for name in ("name", "host_name", "state", "last_check_result"))
    found = [result["attrs"] for result in get(access, f"/v1/objects/services?{attributes}")]
    return tuple(
        ServiceState(
            host=row["host_name"],
            service=row["name"],
            state=int(row["state"]),
            has_result=row["last_check_result"] is not None,
            output=(row["last_check_result"] or {}).get("output", ""),
        )
        for row in found
    )


def troubles(access: ApiAccess) -> tuple[Trouble, ...]:
    """What is not good and that nobody has acknowledged or planned, hosts first; of a host that is down, the host alone. One expensive look.

    Left out is what counts failures of the past (PAST): it stays bad for its window, days on end, though all is mended.
    """
    found: list[Trouble] = []
    for kind, states, more in (("hosts", HOST_STATES, ""), ("services", SERVICE_STATES, "&attrs=host_name&attrs=check_command")):
        rows = [result["attrs"] for result in get(access, f"/v1/objects/{kind}?attrs=name&attrs=state&attrs=problem&attrs=handled&attrs=last_check_result{more}")]
        down = {one.host for one in found}
        found += [read_trouble(row, states) for row in rows if row["problem"] and not row["handled"] and row.get("host_name") not in down and row.get("check_command") != PAST]
    return tuple(found)


def read_trouble(row: Mapping[str, Any], states: tuple[str, ...]) -> Trouble:
    """Make the record from an object's attributes; states: the names of its kind's numbers (pure)."""
    host, service = (row["host_name"], row["name"]) if "host_name" in row else (row["name"], "")
    return Trouble(host=host, service=service, state=states[min(int(row["state"]), len(states) - 1)], output=(row["last_check_result"] or {}).get("output", ""))

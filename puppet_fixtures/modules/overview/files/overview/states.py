"""The states as Icinga DB has them, read by an account that may read these columns alone."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

SQL = """SELECT json_build_object(
  'hosts', (SELECT coalesce(json_agg(json_build_array(host.name, soft_state, is_acknowledged <> 'n' OR in_downtime = 'y', last_state_change) ORDER BY host.name), '[]')
    FROM host JOIN host_state ON host_state.host_id = host.id),
  'services', (SELECT coalesce(json_agg(json_build_array(host.name, service.name, soft_state, is_acknowledged <> 'n' OR in_downtime = 'y', last_state_change)
    ORDER BY host.name, service.name), '[]') FROM service JOIN host ON host.id = service.host_id JOIN service_state ON service_state.service_id = service.id))
"""
HOST_STATES = {0: "up", 1: "down"}
SERVICE_STATES = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}
PENDING = "pending"


class Unreadable(Exception):
    """The database does not answer, or not with states."""


@dataclass(frozen=True)
class State:
    """A host or, with a service's name, a service. handled: somebody knows. since: seconds since 1970; 0 where it was never checked."""

    host: str
    service: str
    state: str
    handled: bool
    since: float

    @property
    def good(self) -> bool:
        return self.state in ("up", "ok")


def parse(text: str) -> tuple[list[State], list[State]]:
    """Hosts and services of the query's answer. Raises Unreadable for anything else."""
    try:
        found = json.loads(text)
        hosts = [State(str(name), "", HOST_STATES.get(state, PENDING), bool(handled), since / 1000) for name, state, handled, since in found["hosts"]]
        services = [
            State(str(host), str(name), SERVICE_STATES.get(state, PENDING), bool(handled), since / 1000) for host, name, state, handled, since in found["services"]
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"the database's answer is no list of states: {error}") from None
    return hosts, services


def read() -> tuple[list[State], list[State]]:
    """Ask the database of this machine. Raises Unreadable."""
    # The host is named so that Debian's wrapper of psql need not read the server's configuration, which is not this user's to read.
    argv = ["psql", "--host=/var/run/postgresql", "--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", "icingadb"]
    done = subprocess.run(argv, input=SQL, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise Unreadable(f"the database can not be read: {done.stderr.strip() or done.returncode}")
    return parse(done.stdout)

"""The Puppet server's own metrics: heap, collection, catalogs, JRuby instances; from its status service, every fifth second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loadtest.inside import Place, Reading, _http

MACHINE = "puppet"
CALLS = ("compile", "query", "find_facts", "facts_save", "catalog_save", "report_process")
"""Of the profiler's counters: what a run asks for, and what PuppetDB is asked and given for it."""
SSL = "var/lib/puppet/ssl"


def readings(status: dict[str, Any]) -> Iterator[Reading]:
    """Readings in the status of all services at level debug. Pure."""
    yield from _http.jvm(status)
    pool = status["jruby-metrics"]["status"]["experimental"]["metrics"]
    yield "jrubies", pool["num-jrubies"], ""
    yield "jrubies_free", pool["num-free-jrubies"], ""
    yield "jruby_borrows", pool["borrow-count"], ""
    yield "jruby_wait_mean_s", pool["average-wait-time"] / 1000, ""
    yield "jruby_borrow_mean_s", pool["average-borrow-time"] / 1000, ""
    yield "requests_waiting", len(pool["requested-instances"]), ""
    for group in ("catalog-metrics", "puppetdb-metrics"):
        for one in status["puppet-profiler"]["status"]["experimental"][group]:
            if one["metric"] in CALLS:
                yield "calls", one["count"], f"of={one['metric']}"
                yield "calls_s", one["aggregate"] / 1000, f"of={one['metric']}"


class Probe:
    """One connection with the machine's own certificate."""

    def __init__(self, place: Place) -> None:
        keys = place.root / SSL
        (certificate,) = (path for path in (keys / "certs").glob("*.pem") if path.name != "ca.pem")
        self._server = _http.tls(8140, keys / "certs/ca.pem", certificate, keys / "private_keys" / certificate.name)

    def read(self, turn: int) -> Iterator[Reading]:
        """The status."""
        yield from readings(self._server.ask("/status/v1/services?level=debug"))

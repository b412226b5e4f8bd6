"""PuppetDB's own counters: commands seen, processed, discarded and waiting, catalogs that were the same as before, heap; every fifth second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loadtest.inside import Place, Reading, _http

MACHINE = "puppet"
SSL = "etc/puppetdb/ssl"
BEANS = {
    "puppetlabs.puppetdb.mq:name=global.seen": "commands_seen",
    "puppetlabs.puppetdb.mq:name=global.processed": "commands_processed",
    "puppetlabs.puppetdb.mq:name=global.discarded": "commands_discarded",
    "puppetlabs.puppetdb.mq:name=global.retried": "commands_retried",
    "puppetlabs.puppetdb.mq:name=global.depth": "queue_depth",
    "puppetlabs.puppetdb.storage:name=duplicate-catalogs": "catalogs_duplicate",
    "puppetlabs.puppetdb.storage:name=updated-catalog": "catalogs_updated",
}
"""Counts since PuppetDB's start, but for queue_depth, which is of now."""


def readings(answers: list[dict[str, Any]]) -> Iterator[Reading]:
    """Readings in Jolokia's answers; a bean that does not exist yet, as nothing of its kind happened, has counted nothing. Pure."""
    for (bean, metric), answer in zip(BEANS.items(), answers, strict=True):
        if answer["request"]["mbean"] != bean:
            raise ValueError(f"an answer about {answer['request']['mbean']}, not {bean}")
        yield metric, float(answer["value"]["Count"]) if answer["status"] == 200 else 0.0, ""


class Probe:
    """One connection with the Puppet server's certificate, the only one that PuppetDB's metrics take."""

    def __init__(self, place: Place) -> None:
        keys = place.root / SSL
        self._server = _http.tls(8081, keys / "ca.pem", keys / "public.pem", keys / "private.pem")

    def read(self, turn: int) -> Iterator[Reading]:
        """All counters in one request, heap in another."""
        yield from readings(self._server.ask("/metrics/v2", [{"type": "read", "mbean": bean} for bean in BEANS]))
        yield from _http.jvm(self._server.ask("/status/v1/services?level=debug"))

"""Published rules of thumb, with their sources: what one would order without measuring. Pure."""

from __future__ import annotations

import datetime
import math

from vm.artefact import Record
from vm.hosting import Source


class Rule(Record):
    """A published rule and what it gives for this fleet. about: what machine it speaks of, which may not be ours."""

    name: str
    says: str
    gives: str
    about: str
    memory_mib: int | None
    vcpus: float | None
    source: Source


PUPPET_SERVER = Source(address="https://www.puppet.com/docs/puppet/8/server/tuning_guide", date=datetime.date(2026, 11, 25))
PUPPETDB = Source(address="https://help.puppet.com/pdb/8/topics/scaling_recommendations.htm", date=datetime.date(2026, 11, 25))
ZABBIX = Source(address="https://www.zabbix.com/documentation/7.0/en/manual/installation/requirements", date=datetime.date(2026, 11, 25))
"""Dates are those on which the copies were read."""

JRUBIES = 1
"""As the lab's Puppet server has it."""

ZABBIX_TABLE = ((1_000, 2, 8), (10_000, 4, 16), (100_000, 16, 64), (1_000_000, 32, 96))
"""Monitored metrics, vCPUs, GiB; a metric there is an item with a trigger and a graph, near to a service here."""


def rules(hosts: int, services: int) -> tuple[Rule, ...]:
    """What the published rules give for a fleet; services are those of one host."""
    puppet_server = 512 + 512 * JRUBIES
    puppetdb = 128 + hosts
    count = hosts * services
    _, vcpus, gib = next((row for row in ZABBIX_TABLE if count <= row[0]), ZABBIX_TABLE[-1])
    return (
        Rule(
            name="Zabbix's table of sizes",
            says="1,000 metrics: 2 vCPU and 8 GiB; 10,000: 4 and 16; 100,000: 16 and 64",
            gives=f"{count:,} metrics: {vcpus} vCPU, {gib} GiB",
            about="a monitoring machine with its database",
            memory_mib=gib * 1024,
            vcpus=vcpus,
            source=ZABBIX,
        ),
        Rule(
            name="Puppet Server's tuning guide",
            says="512 MB of heap, and 512 MB for each JRuby",
            gives=f"{JRUBIES} JRuby: {puppet_server} MB of heap",
            about="the Puppet server, which is not the monitoring machine here",
            memory_mib=math.ceil(puppet_server * 1e6 / 2**20),
            vcpus=None,
            source=PUPPET_SERVER,
        ),
        Rule(
            name="PuppetDB's scaling recommendations",
            says="128 MB of heap, and 1 MB for each node",
            gives=f"{hosts} nodes: {puppetdb} MB of heap",
            about="PuppetDB, which is not on the monitoring machine here",
            memory_mib=math.ceil(puppetdb * 1e6 / 2**20),
            vcpus=None,
            source=PUPPETDB,
        ),
    )

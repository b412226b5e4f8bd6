"""One collecting run and what it cost, part by part. Pure: how the figures were taken is in machines.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from vm.artefact import Record

Way = Literal["realise", "reduce", "query"]
Kind = Literal["none", "first", "unchanged"]
WAYS: tuple[Way, ...] = ("realise", "reduce", "query")
NAMES: Mapping[Way, str] = {
    "realise": "collectors <<| |>>, a define and a file for each object",
    "reduce": "one query, one file by reduce",
    "query": "ours",
}


class Once(Record):
    """A run of the monitor's agent that does nothing but collect.

    kind: with no object; with all objects and no file yet; with all objects and every file as it should be.
    seconds: the whole run, wall clock. compile_s: from sending the facts to holding the catalog; PuppetDB's answers are part of it.
    apply_s: converting and applying it. other_s: what is left of the run but for starting Puppet, finding facts and synchronising plugins,
    which know no object: loading, the report, the state file. query_s: PuppetDB's share of compile_s. store_s: CPU seconds of PuppetDB and
    PostgreSQL from the start of the run until nothing waits, less query_s: storing catalog and report, and what they do after answering.
    """

    way: Way
    kind: Kind
    hosts: int
    objects: int
    seconds: float
    compile_s: float
    apply_s: float
    other_s: float
    queries: int
    query_s: float
    store_s: float
    server_cpu_s: float
    database_cpu_s: float
    agent_cpu_s: float
    resources: int
    changed: int
    restarted: int
    exit_code: int

    @property
    def parts_s(self) -> dict[str, float]:
        """What makes the cost, in seconds, by name."""
        return {"compile": self.compile_s, "apply": self.apply_s, "other": self.other_s, "store": self.store_s}

    @property
    def cost_s(self) -> float:
        """What the run cost, as far as objects can matter: its parts together."""
        return sum(self.parts_s.values())


def parts(summary: Mapping[str, Any], seconds: float) -> tuple[float, float, float]:
    """compile_s, apply_s and other_s, from the agent's own summary and the seconds of the whole run."""
    times = {name: float(value) for name, value in summary["time"].items()}
    compile_s = times["config_retrieval"]
    apply_s = times["convert_catalog"] + times["catalog_application"]
    before = times["startup_time"] + times["fact_generation"] + times.get("plugin_sync", 0.0)
    return compile_s, apply_s, max(0.0, seconds - before - compile_s - apply_s)


def answered(log: str) -> tuple[int, float]:
    """How many queries PuppetDB's access log has, and the seconds it took to answer them."""
    found = [line for line in log.splitlines() if " /pdb/query/" in line]
    return len(found), sum(float(line.split()[-2]) for line in found) / 1000

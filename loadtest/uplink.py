"""The fleet's uplink: cut and mended in the fleet's own network namespace, between it and the monitor alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from loadtest.rig import Rig
from vm.command import run

TABLE = "watchpost_uplink"
RULES = """table inet {table} {{
  chain out {{ type filter hook output priority -10; policy accept; ip daddr {monitor} drop; }}
  chain in {{ type filter hook input priority -10; policy accept; ip saddr {monitor} drop; }}
}}
"""


def cut(rig: Rig) -> None:
    """Drop every packet between fleet and monitor, in both directions."""
    mend(rig)
    rules = RULES.format(table=TABLE, monitor=rig.lab.address("monitor"))
    run(["nsenter", f"--net={rig.namespace}", "nft", "-f", "-"], input=rules)


def mend(rig: Rig) -> None:
    """Let packets pass again; nothing happens where they do."""
    run(["nsenter", f"--net={rig.namespace}", "nft", "delete", "table", "inet", TABLE], check=False)


@contextmanager
def lost(rig: Rig) -> Iterator[None]:
    """Cut meanwhile. What kills the harness leaves it cut: every load test mends it first."""
    cut(rig)
    try:
        yield
    finally:
        mend(rig)

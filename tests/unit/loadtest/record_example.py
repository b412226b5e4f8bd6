"""Makes tests/recorded/size-example: a whole sizing of the simulated machine, for CI and the docs. Run it from the checkout's root."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

from simulated import Machine

from loadtest.sizing.command import REQUEST
from loadtest.sizing.ledger import Ledger
from loadtest.sizing.request import Request
from loadtest.sizing.size import size
from vm import artefact

REQUESTED = Request(hosts=50, services=20, growth=2, budget_eur=20, cores=2, context="simulated", vm_memory_mib=84, vm_disk_mib=130)


def record(folder: Path) -> None:
    """Write request and runs; the same bytes each time."""
    artefact.save(REQUESTED, folder / REQUEST)
    size(REQUESTED, Ledger(folder), (), datetime.date(2026, 11, 25), Machine().at)
    for path in folder.glob("*.json"):
        path.chmod(0o644)


if __name__ == "__main__":
    record(Path(sys.argv[1]))

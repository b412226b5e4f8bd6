"""What would change on the machines between two revisions, shown before anything does: `invoke plan`. Needs neither root nor a lab.

revision: the control repository as a revision has it. state: what its catalogs ask for. difference: of two states, as a record (pure).
report: that record as text (pure). The same two trees give the same bytes: nothing here knows a clock, and every list has an order.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from puppet_fixtures.fleet import fleet
from puppet_fixtures.plan import difference, revision, state
from puppet_fixtures.plan.difference import Plan
from vm.errors import BadInput
from vm.lab import MAX_HOSTS


def plan(checkout: Path, before: str, after: str, hosts: int, seed: int) -> Plan:
    """What going from revision `before` to `after` would change for a fleet of so many hosts.

    before: empty for where the work began (see revision.base). after: empty for the working tree.

    Raises BadInput for a revision that does not exist or a fleet that cannot be, WatchpostError for one that does not compile.
    """
    if not 1 <= hosts <= MAX_HOSTS:
        raise BadInput(f"a lab has no room for {hosts} hosts", "--hosts", f"give a number from 1 to {MAX_HOSTS}")
    members = fleet(hosts, seed)
    names = [revision.resolve(checkout, before or revision.base(checkout)), revision.resolve(checkout, after) if after else revision.WORKING_TREE]
    # One key for both, and for this run alone: whether a Sensitive value changed shows, and nothing else of it.
    key = secrets.token_hex(32)
    with TemporaryDirectory(prefix="watchpost-plan-") as directory, ThreadPoolExecutor(2) as pool:
        trees = [revision.tree(checkout, name, Path(directory, side)) for name, side in zip(names, ("before", "after"), strict=True)]
        if revision.alike(*trees):  # compiled all the same: what does not compile is told
            whole = state.of(trees[1], names[1], members, key)
            states = [replace(whole, revision=names[0]), whole]
        else:
            states = list(pool.map(lambda tree, name: state.of(tree, name, members, key), trees, names))
    return difference.between(states[0], states[1], hosts, seed)

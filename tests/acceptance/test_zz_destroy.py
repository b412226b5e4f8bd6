"""destroy removes what the lab owns and nothing else."""

from __future__ import annotations

from typing import Any

from tests.acceptance.inventory import traces


def test_destroy_leaves_nothing(lab: Any) -> None:
    before = traces(lab.lab)
    for kind in ("link", "route", "iptables-save rule", "libvirt object", "process", "control group"):
        assert any(one.startswith(kind) for one in before), f"the search finds no {kind} even now"
    assert lab.invoke("destroy", "--yes").returncode == 0
    assert traces(lab.lab) == []
    assert lab.invoke("destroy", "--yes").returncode == 0  # again: nothing to do is no error

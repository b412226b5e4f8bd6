"""The monitor's disk is the same bits when it is built twice: another day, place, umask, zone and locale; the second time offline, by the first one's lock."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.conftest import invoke

pytestmark = pytest.mark.project


@pytest.mark.thorough
def test_two_builds_of_the_monitor_are_the_same_bits() -> None:
    done = invoke("image.verify", "--kind", "monitor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, found["differences"]
    first, second = found["sha256"]
    assert first == second and len(first) == 64
    assert found["compared"] == "raw disk" and found["differences"] == []
    one, other = found["surroundings"]
    assert all(one[name] != other[name] for name in one), "the two builds had nothing in common that could be the reason"

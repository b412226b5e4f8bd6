"""The fleet as data: the same for the same seed, growing without changing what is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puppet_fixtures.fleet import MAX_COUNT, ROLES, address, facts, fleet, releases
from vm.errors import BadInput

NETWORK = IPv4Network("10.9.0.0/22")
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
seeds = st.integers(min_value=0, max_value=2**32)


@given(st.integers(min_value=1, max_value=60), st.integers(min_value=1, max_value=60), seeds)
def test_a_larger_fleet_begins_with_the_smaller_one(first: int, second: int, seed: int) -> None:
    small, large = sorted((first, second))
    assert fleet(large, seed)[:small] == fleet(small, seed)


@given(seeds)
def test_every_dozen_covers_every_role(seed: int) -> None:
    hosts = fleet(36, seed)
    for start in (0, 12, 24):
        assert sorted(host.role for host in hosts[start : start + 12]) == sorted(ROLES)


def test_seeds_differ_and_numbers_and_names_are_unique() -> None:
    hosts = fleet(200)
    assert [host.number for host in hosts] == list(range(1, 201))
    assert len({host.certname for host in hosts}) == 200
    assert fleet(200, seed=2) != hosts
    assert {host.codename for host in hosts} == set(releases())


def test_names_carry_role_and_number() -> None:
    for host in fleet(24, domain="lab.test"):
        assert host.certname == f"{host.role.replace('_', '-')}-{host.number:03d}.lab.test"


@pytest.mark.parametrize("count", [0, -1, MAX_COUNT + 1])
def test_a_fleet_of_no_size_is_refused(count: int) -> None:
    with pytest.raises(BadInput) as caught:
        fleet(count)
    assert str(count) in str(caught.value)


def test_addresses_follow_the_numbers_and_end_with_the_network() -> None:
    hosts = fleet(800)
    assert str(address(hosts[0], NETWORK)) == "10.9.1.1"
    assert len({address(host, NETWORK) for host in hosts[:766]}) == 766
    with pytest.raises(BadInput):
        address(hosts[767], NETWORK)


@given(st.integers(min_value=1, max_value=40), seeds, st.integers(min_value=0, max_value=10**6))
def test_facts_are_plausible_and_steady(count: int, seed: int, later_s: int) -> None:
    host = fleet(count, seed)[-1]
    now, later = (facts(host, at, address(host, NETWORK)) for at in (AT, AT + timedelta(seconds=later_s)))
    assert now == facts(host, AT, address(host, NETWORK))
    assert now["networking"]["fqdn"] == host.certname == now["clientcert"]
    assert now["os"]["distro"]["codename"] == host.codename
    assert 0 <= now["system_uptime"]["seconds"] <= 30 * 86400
    memory = now["memory"]["system"]
    assert memory["used_bytes"] + memory["available_bytes"] == memory["total_bytes"]
    volatile = {"memory", "load_averages", "system_uptime"}
    assert {name: now[name] for name in now.keys() - volatile} == {name: later[name] for name in later.keys() - volatile}

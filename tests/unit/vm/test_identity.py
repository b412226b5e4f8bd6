"""Who a machine is: what is public, what is a file, and who has a way out of the lab."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from vm import lab
from vm.identity import Credentials, credentials, network_file

ONE = lab.Lab(name="unit", network=IPv4Network("10.64.8.0/22"))


def of(kind: str, extra: int = 0) -> Credentials:
    """The credentials of a machine with extra addresses."""
    return credentials(
        ONE, kind, admin_key="ssh-ed25519 AAAA", host_key=Path("/s/host"), root_password=Path("/s/root"),
        enrolment=Path("/s/csr"), extra_addresses=[ONE.host_address(number + 1) for number in range(extra)],
    )  # fmt: skip


def test_secrets_are_named_by_their_files() -> None:
    found = of("monitor")
    assert dict(found.secret) == {
        "tmpfiles.ssh-host-key": Path("/s/host"),
        "tmpfiles.csr-attributes": Path("/s/csr"),
        "watchpost.root-password": Path("/s/root"),
    }
    assert not set(found.public) & set(found.secret)
    assert not [name for name, text in found.public.items() if "/s/" in text]


@pytest.mark.parametrize("kind", lab.KINDS)
def test_a_machine_knows_its_name_and_address(kind: str) -> None:
    public = of(kind).public
    assert public["system.hostname"] == f"{kind}.lab.test"
    assert public["network.hosts"].splitlines()[1] == f"{ONE.address(kind)} {kind}.lab.test {kind}"
    assert f"Address={ONE.address(kind)}/22" in public["network.network.10-lab"].splitlines()
    assert public["ssh.authorized_keys.root"] == "ssh-ed25519 AAAA\n"


@pytest.mark.parametrize(("kind", "routed"), [("puppet", True), ("monitor", True), ("fleet", False)])
def test_only_the_fleet_has_no_way_out(kind: str, routed: bool) -> None:
    lines = of(kind).public["network.network.10-lab"].splitlines()
    assert ("Gateway=10.64.8.1" in lines) is routed
    assert [line for line in lines if line.startswith("Gateway")] == ["Gateway=10.64.8.1"] * routed


def test_the_network_file_carries_every_address_in_order() -> None:
    lines = of("fleet", extra=3).public["network.network.10-lab"].splitlines()
    addresses = [line for line in lines if line.startswith("Address=")]
    assert addresses == ["Address=10.64.8.4/22", "Address=10.64.9.1/22", "Address=10.64.9.2/22", "Address=10.64.9.3/22"]
    assert lines.index("[Match]") < lines.index("Name=host0 eth0") < lines.index("[Network]") < lines.index(addresses[0])


def test_a_network_file_ends_its_last_line() -> None:
    assert network_file(ONE, [ONE.gateway], routed=True).endswith("\nGateway=10.64.8.1\n")


def test_every_secret_that_tmpfiles_places_exists_and_is_for_root_alone() -> None:
    found = of("puppet")
    lines = [line.split() for line in found.public["tmpfiles.extra"].splitlines()]
    placed = {words[6]: words for words in lines if words[0] == "f^"}
    assert set(placed) == {name for name in found.secret if name.startswith("tmpfiles.")}
    assert {tuple(words[2:5]) for words in placed.values()} == {("0600", "root", "root")}
    assert placed["tmpfiles.csr-attributes"][1] == "/etc/puppet/csr_attributes.yaml"


def test_the_resolver_line_is_one_word_for_tmpfiles() -> None:
    (line,) = [line for line in of("puppet").public["tmpfiles.extra"].splitlines() if "/etc/resolv.conf" in line]
    words = line.split()
    assert words[:6] == ["f+", "/etc/resolv.conf", "0644", "root", "root", "-"] and len(words) == 7
    text = words[6].encode().decode("unicode_escape")
    assert text == "nameserver 10.64.8.1\nsearch lab.test\n"

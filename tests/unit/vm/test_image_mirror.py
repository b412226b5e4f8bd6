"""APT's own words read: recorded lines of `apt-get install --print-uris` and `--simulate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from vm.errors import WatchpostError
from vm.image import mirror
from vm.image.lock import LockedPackage

A, B = "a" * 64, "b" * 64
URIS = f"""'http://mirror.invalid/pool/main/u/util-linux/bsdutils_2.41.5-0%2bdeb13u1_amd64.deb' bsdutils_1%3a2.41.5-0+deb13u1_amd64.deb 104 SHA256:{A}
'http://mirror.invalid/pool/main/t/tzdata/tzdata_2026f-0%2bdeb13u1_all.deb' tzdata_2026f-0+deb13u1_all.deb 260 SHA256:{B}
"""
SIMULATION = """Inst tzdata (2026f-0+deb13u1 Debian:13.8/stable, Debian:13-updates/stable-updates [all])
Inst bsdutils (1:2.41.5-0+deb13u1 Debian:13.8/stable, Debian-Security:13/stable-security [amd64]) []
Conf bsdutils (1:2.41.5-0+deb13u1 Debian:13.8/stable, Debian-Security:13/stable-security [amd64])
"""


def test_packages_come_with_hash_and_where_from() -> None:
    packages, security = mirror.parse(URIS, SIMULATION)
    assert packages == (
        LockedPackage(name="bsdutils", version="1:2.41.5-0+deb13u1", architecture="amd64", sha256=A),
        LockedPackage(name="tzdata", version="2026f-0+deb13u1", architecture="all", sha256=B),
    )
    assert security == ("bsdutils",)


@pytest.mark.parametrize(
    ("uris", "simulation", "words"),
    [
        (URIS.splitlines()[0], SIMULATION, "no sha256 of tzdata"),
        (URIS, SIMULATION.splitlines()[0], "would fetch what it would not install: bsdutils"),
        ("", "", "nothing at all"),
        (URIS.replace("SHA256", "MD5Sum"), SIMULATION, "no sha256 of tzdata"),
    ],
    ids=["no uri", "not installed", "empty", "weak hash"],
)
def test_answers_that_do_not_fit_together_are_refused(uris: str, simulation: str, words: str) -> None:
    with pytest.raises(WatchpostError, match=words):
        mirror.parse(uris, simulation)


def test_the_private_root_takes_nothing_of_the_hosts_but_its_keys() -> None:
    text = mirror.configuration(Path("/r"), "amd64")
    outside = [line for line in text.splitlines() if '"/' in line and '"/r' not in line]
    assert all("trusted.gpg" in line for line in outside) and len(outside) == 2
    assert 'Acquire::ForceHash "sha256";' in text
    assert 'Acquire::Check-Valid-Until "true";' in text


@pytest.mark.parametrize(("host", "asks"), [("", True), ('Acquire::Check-Valid-Until "false";\n', False), ('Acquire::Check-Valid-Until "true";\n', True)])
def test_a_host_with_a_dated_mirror_says_so_to_its_own_apt(host: str, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt.conf").write_text(f'Dir::Etc::Parts "{tmp_path}";\nDir::Etc::Main "/dev/null";\n{host}')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    assert mirror.asks_for_valid() is asks
    assert ('Check-Valid-Until "true"' in mirror.configuration(Path("/r"), "amd64", asks=asks)) is asks

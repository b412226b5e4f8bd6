"""Offers are files: every file is found and whole; bad ones, bad names and bad sizes are told apart."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm import hosting
from vm.errors import BadInput

GOOD = """
provider = "Somebody"
vcpus = 2
cpu = "shared"
memory_mib = 4096
disk_gib = 40
disk_kind = "nvme"
eur_per_month_net = 3.78
eur_per_month_gross = 4.5
as_of = 2026-01-31
verified = false
ipv4 = true
console = true
growable = true
root = true
"""


@pytest.mark.parametrize("name", sorted(path.stem for path in hosting.OFFERS.iterdir()))
def test_every_file_of_the_folder_is_an_offer_within_the_budget(name: str) -> None:
    offer = hosting.load_offer(name)
    assert offer.name == offer.spec.offer == name
    assert 0 < offer.eur_per_month_net <= offer.eur_per_month_gross <= 20
    assert offer.example is not offer.verified
    assert offer.as_of >= datetime.date(2025, 1, 1)


def test_a_new_file_is_a_new_offer(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    (offer,) = hosting.load_offers(tmp_path)
    assert str(offer.spec) == "2 vCPU, 4096 MiB, 40 GiB"
    assert offer.age_days(datetime.date(2026, 2, 10)) == 10


def test_an_unknown_name_is_answered_with_what_exists() -> None:
    with pytest.raises(BadInput) as error:
        hosting.load_offer("hetzner-cx32")
    assert error.value.exit_code == 2
    assert "did you mean hetzner-cx" in error.value.todo and "netcup-vps-500-g11" in error.value.todo
    with pytest.raises(BadInput) as far:
        hosting.load_offer("../../etc/passwd")
    assert "did you mean" not in far.value.todo


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("vcpus = = 2", "bad.toml is no TOML"),
        (GOOD.replace("vcpus = 2", "vcpus = -2"), "bad.toml is no offer: vcpus"),
        (GOOD.replace("memory_mib = 4096", "memory_mib = 16"), "bad.toml is no offer: memory_mib"),
        (GOOD.replace("eur_per_month_gross = 4.5", ""), "bad.toml is no offer: eur_per_month_gross: Field required"),
        (GOOD.replace("gross = 4.5", "gross = 3"), "the net price is above the gross one"),
        (GOOD.replace("verified = false", "verified = true"), "a verified price needs a source"),
        (GOOD + 'source = {address = "a friend said so", date = 2026-01-31}', "bad.toml is no offer: source.address"),
        (GOOD + "colour = 'red'", "bad.toml is no offer: colour"),
        (GOOD.replace('"nvme"', '"tape"'), "bad.toml is no offer: disk_kind"),
        (GOOD.replace("2026-01-31", "'soon'"), "bad.toml is no offer: as_of"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "bad.toml").write_text(content)
    (tmp_path / "good.toml").write_text(GOOD)
    assert hosting.load_offer("good", tmp_path).vcpus == 2
    with pytest.raises(BadInput) as error:
        hosting.load_offer("bad", tmp_path)
    assert words in error.value.what and str(tmp_path / "bad.toml") in error.value.where


def test_a_verified_offer_names_a_page_and_an_old_one_is_stale(tmp_path: Path) -> None:
    source = 'source = {address = "https://hoster.example/prices", date = 2026-01-31}'
    (tmp_path / "mine.toml").write_text(GOOD.replace("verified = false", "verified = true") + source)
    offer = hosting.load_offer("mine", tmp_path)
    assert not offer.example and offer.source is not None and offer.source.date == offer.as_of
    assert not offer.stale(datetime.date(2026, 7, 30)) and offer.stale(datetime.date(2026, 7, 31))


@given(st.floats(0.1, 64), st.integers(hosting.MIN_MEMORY_MIB, 10**6), st.integers(1, 10**4))
def test_positive_sizes_are_taken(vcpus: float, memory_mib: int, disk_gib: int) -> None:
    spec = hosting.hosting_spec(vcpus, memory_mib, disk_gib)
    assert (spec.vcpus, spec.memory_mib, spec.disk_gib) == (vcpus, memory_mib, disk_gib)


@pytest.mark.parametrize(
    ("size", "name"),
    [((-1, 1024, 10), "vcpus"), ((0, 1024, 10), "vcpus"), ((1, -5, 10), "memory_mib"), ((1, 1024, -3), "disk_gib")],
)
def test_other_sizes_are_refused_by_name(size: tuple[float, int, int], name: str) -> None:
    with pytest.raises(BadInput, match=name):
        hosting.hosting_spec(*size)


@pytest.mark.parametrize(("text", "mib"), [("2048", 2048), ("2G", 2048), ("512m", 512), ("4 GiB", 4096)])
def test_memory_is_written_with_or_without_unit(text: str, mib: int) -> None:
    assert hosting.parse_memory(text) == mib


@pytest.mark.parametrize("text", ["", "-1", "2T", "two", "1.5G"])
def test_other_words_are_no_memory(text: str) -> None:
    with pytest.raises(BadInput):
        hosting.parse_memory(text)

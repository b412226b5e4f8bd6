"""A lab's names, addresses and directories follow from its checkout; one command at a time changes it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm import lab
from vm.artefact import load, save
from vm.errors import BadInput, WatchpostError

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labs are kept here instead of /var/lib."""
    monkeypatch.setattr(lab, "STATE", tmp_path / "state")
    return tmp_path / "state"


def test_two_checkouts_do_not_meet() -> None:
    one, other = (lab.of_checkout(Path("/srv/checkouts") / name) for name in ("one", "other"))
    assert one.name != other.name
    assert one.bridge != other.bridge
    assert one.directory != other.directory
    assert not one.network.overlaps(other.network)


def test_a_checkout_always_has_the_same_lab(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert lab.of_checkout(tmp_path / "real") == lab.of_checkout(tmp_path / "link")
    assert lab.of_checkout(tmp_path / "real") == lab.of_checkout(tmp_path / "real" / ".." / "real")


@given(NAMES)
def test_every_name_has_a_usable_lab(name: str) -> None:
    one = lab.of_name(name)
    assert one.name == name and one == lab.of_name(name)
    assert one.network.prefixlen == 22 and one.network.is_private
    assert len(one.bridge) <= 15, "the kernel's limit for names of interfaces"
    assert one.directory == lab.STATE / "labs" / name


@given(NAMES, NAMES)
def test_bridges_and_directories_are_the_names_own(one: str, other: str) -> None:
    same = one == other
    assert (lab.of_name(one).bridge == lab.of_name(other).bridge) is same
    assert (lab.of_name(one).directory == lab.of_name(other).directory) is same


def test_every_machine_and_host_has_its_own_address() -> None:
    one = lab.Lab(name="x", network=IPv4Network("10.64.8.0/22"))
    assert str(one.gateway) == "10.64.8.1"
    assert [str(one.address(kind)) for kind in ("puppet", "monitor", "fleet")] == ["10.64.8.2", "10.64.8.3", "10.64.8.4"]
    assert str(one.host_address(1)) == "10.64.9.1" and str(one.host_address(lab.MAX_HOSTS)) == "10.64.9.200"
    assert one.fqdn("monitor") == "monitor.lab.test"
    hosts: list[IPv4Address] = [one.host_address(number) for number in range(1, lab.MAX_HOSTS + 1)]
    every = [one.gateway, *(one.address(kind) for kind in lab.KINDS), *hosts]
    assert len(set(every)) == len(every)
    assert all(address in one.network and address != one.network.broadcast_address for address in every)


@pytest.mark.parametrize("name", ["", "-x", "../etc", "Upper", "with space", "a/b", "x" * 32, "x\n", "ü", "x;rm", "a.b"])
def test_other_names_are_refused_with_what_would_do(name: str) -> None:
    assert lab.of_name("x" * 31).name == "x" * 31
    with pytest.raises(BadInput) as error:
        lab.of_name(name)
    assert error.value.exit_code == 2
    assert repr(name) in error.value.what and "31 lower-case letters" in error.value.todo


def test_a_lab_survives_being_stored(tmp_path: Path) -> None:
    save(lab.of_name("kept"), tmp_path / "lab.json")
    assert load(lab.Lab, tmp_path / "lab.json") == lab.of_name("kept")


def test_directories_are_as_open_as_they_must_be(state: Path) -> None:
    one = lab.of_name("made")
    for _ in range(2):
        lab.prepare(one)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (one.directory, one.secrets, one.records)}
    assert modes == {one.directory: 0o711, one.secrets: 0o700, one.records: 0o700}
    assert one.directory.is_relative_to(state)


def test_a_second_holder_is_told_who_is_first(state: Path) -> None:
    one = lab.of_name("held")
    with lab.hold(one, "invoke provision"):
        with pytest.raises(WatchpostError) as error, lab.hold(one, "invoke destroy"):
            pass
        with lab.hold(lab.of_name("another"), "invoke destroy"):
            assert sorted(path.name for path in (state / "locks").iterdir()) == ["another", "held"]
    assert f"`invoke provision` (process {os.getpid()})" in error.value.what
    assert "lab held is held" in error.value.what and "wait" in error.value.todo


def test_another_process_is_kept_out_until_the_first_has_gone(state: Path) -> None:
    one = lab.of_name("held")
    script = (
        "import sys; from pathlib import Path; from vm import lab; lab.STATE = Path(sys.argv[1])\n"
        "with lab.hold(lab.of_name('held'), 'invoke simulate'):\n"
        "    print('has it', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(state)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == "has it\n"
        with pytest.raises(WatchpostError, match=rf"held by `invoke simulate` \(process {other.pid}\)"), lab.hold(one, "x"):
            pass
    finally:
        other.kill()
        other.communicate()
    with lab.hold(one, "invoke provision"):
        assert (state / "locks" / "held").read_text() == f"`invoke provision` (process {os.getpid()})\n"


def test_the_lock_is_free_again_after_a_failure(state: Path) -> None:
    one = lab.of_name("held")
    with pytest.raises(ZeroDivisionError), lab.hold(one, "invoke provision"):
        raise ZeroDivisionError
    with lab.hold(one, "invoke status"):
        assert "invoke status" in (state / "locks" / "held").read_text()

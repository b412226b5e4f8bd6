"""Package locks: their text, their difference, what they are refused for; and the .debs held against them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from vm.errors import BadInput
from vm.image import base, debs, lock, supply
from vm.image.lock import LockedPackage, PackageLock
from vm.image.packages import LOCKED, packages

HERE = Path(__file__).resolve().parents[3] / "vm/image"


def deb(name: str, version: str = "1.0", architecture: str = "amd64", content: bytes = b"") -> LockedPackage:
    """A locked package whose file has this content."""
    return LockedPackage(name=name, version=version, architecture=architecture, sha256=hashlib.sha256(content or name.encode()).hexdigest())


def lock_of(*found: LockedPackage, kind: str = "monitor", suite: str = "trixie", architecture: str = "amd64") -> PackageLock:
    """A lock of these packages that was asked for all of them."""
    return PackageLock(
        kind=kind, suite=suite, architecture=architecture, source_date_epoch=1, sources_sha256=supply.sources_sha256("deb x y z\n"),
        asked=tuple(sorted(p.name for p in found)), required=(), packages=found,
    )  # fmt: skip


def test_a_lock_is_read_back_as_it_was_written_one_line_a_package(tmp_path: Path) -> None:
    one = lock_of(deb("a", "1:2~rc1+b3"), deb("b", architecture="all"))
    lock.save(one, tmp_path / "l.json", 0o644)
    assert lock.read(tmp_path / "l.json") == one
    assert sum('"sha256"' in line for line in (tmp_path / "l.json").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version": 1, "kind": "monitor", "surprise": 1}'], ids=["empty", "nothing", "list", "unknown field"]
)
def test_a_broken_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "l.json").write_text(text)
    with pytest.raises(BadInput, match="no usable PackageLock"):
        lock.read(tmp_path / "l.json")
    with pytest.raises(BadInput, match="no such lock"):
        lock.read(tmp_path / "none.json")


def test_the_file_name_is_apts() -> None:
    assert deb("git", "1:2.47.3-0+deb13u1").file_name == "git_1%3a2.47.3-0+deb13u1_amd64.deb"
    assert deb("x", "1~2").file_name == "x_1~2_amd64.deb"


def test_differences_name_old_and_new_with_security_first() -> None:
    old = [deb("a"), deb("b"), deb("gone"), deb("same"), deb("z")]
    new = [deb("a", "2.0"), deb("b", content=b"rebuilt"), deb("fresh"), deb("same"), deb("z", "1.1")]
    found = lock.differences(old, new, security=["z", "same", "gone"])
    assert [(c.name, c.old, c.new, c.security) for c in found] == [
        ("z", "1.0", "1.1", True),
        ("a", "1.0", "2.0", False),
        ("b", "1.0", "1.0", False),
        ("fresh", None, "1.0", False),
        ("gone", "1.0", None, False),
    ]
    assert str(found[0]) == "z 1.0 -> 1.1 (security)"
    assert str(found[3]) == "fresh (not there) -> 1.0" and str(found[4]) == "gone 1.0 -> (gone)"
    assert lock.differences(new, new) == ()


def test_a_long_list_is_cut_with_a_number() -> None:
    assert lock.named(["a", "b", "c"], most=2) == "a, b and 1 more"
    assert lock.named(["a", "b"], most=2) == "a, b"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (lock_of(deb("a"), kind="puppet"), "for the image puppet, not for monitor"),
        (lock_of(deb("a"), suite="bookworm"), "for the suite bookworm, not for trixie"),
        (lock_of(deb("a", architecture="arm64"), architecture="arm64"), "for the architecture arm64, not for amd64"),
        (lock_of(deb("a", architecture="arm64")), "names a for arm64, not for amd64"),
        (lock_of(), "lacks a"),
        (lock_of(deb("a"), deb("b")), "has b that no list names any more"),
    ],
    ids=["kind", "suite", "architecture", "package's architecture", "lacks", "more"],
)
def test_a_lock_of_something_else_does_not_match(one: PackageLock, words: str) -> None:
    assert words in lock.mismatch(one, "monitor", "trixie", "amd64", ["a"])
    assert lock.mismatch(lock_of(deb("a")), "monitor", "trixie", "amd64", ["a"]) == "", "the control: the right lock matches"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> supply.Store:
    """A store whose cache has the .debs a and b."""
    found = supply.store(tmp_path)
    found.debs.mkdir()
    for one in (deb("a"), deb("b")):
        (found.debs / one.file_name).write_bytes(one.name.encode())
    monkeypatch.setattr("vm.image.mirror.architecture", lambda: "amd64")
    return found


def test_a_lock_whose_debs_are_all_there_is_taken(places: supply.Store) -> None:
    one = lock_of(deb("a"), deb("b"))
    assert supply.locked(one, "monitor", ["a", "b"], places, "deb x y z\n") == one


def test_a_wrong_deb_a_missing_one_and_foreign_locks_are_refused_by_name(places: supply.Store) -> None:
    wrong = lock_of(deb("a"), deb("b", content=b"something else"))
    with pytest.raises(BadInput, match="sha256 of these packages is not the lock's: b 1.0\\.") as error:
        supply.locked(wrong, "monitor", ["a", "b"], places, "deb x y z\n")
    assert error.value.exit_code == 2
    with pytest.raises(BadInput, match="not in the cache: c 7\\."):
        supply.locked(lock_of(deb("a"), deb("c", "7")), "monitor", ["a", "c"], places, "deb x y z\n")
    with pytest.raises(BadInput, match="suite bookworm"):
        supply.locked(lock_of(deb("a"), suite="bookworm"), "monitor", ["a"], places, "deb x y z\n")
    with pytest.raises(BadInput, match="another sources.list"):
        supply.locked(lock_of(deb("a")), "monitor", ["a"], places, "deb other\n")
    assert sorted(path.name for path in places.debs.iterdir()) == ["a_1.0_amd64.deb", "b_1.0_amd64.deb"], "nothing is lost"


def test_another_cache_is_whole_in_itself(tmp_path: Path) -> None:
    other = supply.default_store({supply.CACHE_VARIABLE: str(tmp_path)})
    assert (other.images, other.debs, other.apt) == (tmp_path, tmp_path / "debs", tmp_path / "apt")
    assert str(supply.default_store({}).images) == "/var/cache/watchpost/images"


def test_faults_are_told_apart(places: supply.Store) -> None:
    (places.debs / "b_1.0_amd64.deb").write_bytes(b"cut sho")
    found = debs.faults([deb("a"), deb("b"), deb("c")], places.debs)
    assert found == debs.Faults(missing=(deb("c"),), wrong=(deb("b"),))


def test_the_clock_is_when_the_youngest_package_was_built(tmp_path: Path) -> None:
    for name, seconds in (("a", 1700000000), ("b", 1600000000)):
        head = b"!<arch>\n" + b"debian-binary   " + f"{seconds:<12}".encode() + b"0     0     100644  4         `\n2.0\n"
        (tmp_path / f"{name}_1.0_amd64.deb").write_bytes(head)
    assert debs.epoch([deb("a"), deb("b")], tmp_path) == 1700000000


def test_a_build_gets_the_debs_of_its_lock_and_no_others(places: supply.Store, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    debs.link([deb("a")], places.debs, tmp_path / "t")
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["a_1.0_amd64.deb"]


def test_mmdebstrap_is_told_names_and_a_local_repository_and_no_mirror() -> None:
    one = lock_of(deb("b"), deb("a")).model_copy(update={"required": ("dash",)})
    argv = base.mmdebstrap_argv(one, Path("/r"), Path("/hook"), Path("/t"))
    assert argv[0] == "mmdebstrap" and argv[-3:] == ["", "/t", "deb [trusted=yes] copy:/r ./"]
    assert "--include=a,b,dash" in argv and "--essential-hook=/hook" in argv and "--architectures=amd64" in argv
    assert not any("://" in word for word in argv)


def test_an_index_entry_holds_apt_to_the_locks_hash() -> None:
    text = base.stanza("Package: a\nVersion: 1.0\n", deb("a"), 7)
    assert text.splitlines() == ["Package: a", "Version: 1.0", "Filename: ./a_1.0_amd64.deb", "Size: 7", f"SHA256: {deb('a').sha256}"]


def test_what_dpkg_says_is_held_against_the_lock() -> None:
    status = "".join(
        f"Package: {name}\nStatus: {state}\nArchitecture: amd64\nVersion: {version}\nDescription: x\n more: here\n\n"
        for name, state, version in (("a", "install ok installed", "1.0"), ("b", "install ok installed", "2.0"), ("c", "deinstall ok config-files", "1.0"))
    )
    one = lock_of(deb("a"), deb("b"), deb("c"))
    assert [change.name for change in lock.differences(one.packages, base.installed(status, one))] == ["b", "c"]


@pytest.mark.parametrize("kind", LOCKED)
def test_each_image_has_a_reference_lock_without_the_name_of_a_host(kind: str) -> None:
    path = supply.reference_path(kind, HERE)
    one = lock.read(path)
    assert lock.mismatch(one, kind, supply.suite(kind), one.architecture, packages(HERE.parents[1] / "puppet_fixtures/data", kind)) == ""
    assert "://" not in path.read_text() and ".org" not in path.read_text()
    assert len({p.name for p in one.packages}) == len(one.packages) > 200 and set(one.required) < {p.name for p in one.packages}
    assert json.loads(path.read_text())["packages"] == [p.model_dump() for p in one.packages]

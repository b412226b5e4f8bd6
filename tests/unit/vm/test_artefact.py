"""Records and files: whole or not at all, readable by their owner, named by what they hold."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Literal

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm import artefact
from vm.errors import BadInput

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Sample(artefact.Record):
    """A record of this test."""

    version: Literal[1] = 1
    memory_mib: int
    names: tuple[str, ...] = ()


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sample.json"
    artefact.save(Sample(memory_mib=512, names=("ä", "b")), path)
    assert artefact.load(Sample, path) == Sample(memory_mib=512, names=("ä", "b"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text().endswith("}\n")


def test_a_record_does_not_change() -> None:
    sample = Sample(memory_mib=512)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        sample.memory_mib = 1024  # type: ignore[misc]
    assert sample.memory_mib == 512


def test_a_missing_record_asks_for_its_stage(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no Sample yet") as error:
        artefact.load(Sample, tmp_path / "sample.json")
    assert error.value.where == str(tmp_path / "sample.json") and "run the stage" in error.value.todo


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"version": 2, "memory_mib": 512}', "version"),
        ('{"version": 1, "memory_mib": 512, "colour": "red"}', "colour"),
        ('{"version": 1}', "memory_mib"),
        ('{"version": 1, "memory_mib": "much"}', "memory_mib"),
        ('{"version": 1, "memory_mib": 512, "names": [1]}', "names.0"),
        ('{"version": 1, "memory', "the whole file"),
        ("", "the whole file"),
        ("[]", "the whole file"),
    ],
)
def test_an_unusable_record_is_named_with_its_fault(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "sample.json"
    path.write_text(text)
    with pytest.raises(BadInput) as error:
        artefact.load(Sample, path)
    assert error.value.what.startswith(f"sample.json is no usable Sample: {place}: ")
    assert error.value.where == str(path)


def test_a_file_is_replaced_whole_with_its_new_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    artefact.write_file(path, "long old text", 0o644)
    before = path.stat().st_ino
    artefact.write_file(path, b"new", 0o400)
    assert path.read_bytes() == b"new" and path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    artefact.write_file(path, "old")

    def broken(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("vm.artefact.os.replace", broken)
    with pytest.raises(OSError, match="no space"):
        artefact.write_file(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@given(st.dictionaries(st.text(), VALUES, min_size=2, max_size=4))
def test_order_of_keys_is_nothing(value: dict[str, object]) -> None:
    turned = dict(reversed(list(value.items())))
    assert list(turned) != list(value)
    assert artefact.digest(turned) == artefact.digest(value)
    assert artefact.digest({**value, "\0more": 1}) != artefact.digest(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [([1, 2], [2, 1]), (1, "1"), (None, ""), ([], {}), (["a", "b"], ["ab"]), ({"a": 1}, {"a": 2}), (True, 1)],
)
def test_different_values_have_different_digests(one: object, other: object) -> None:
    assert artefact.digest(one) != artefact.digest(other)


def test_a_digest_of_files_counts_name_content_and_executable_bit(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    digests = [artefact.digest_files([one, two], tmp_path)]
    assert artefact.digest_files([two, one], tmp_path) == digests[0]
    one.chmod(0o640)
    assert artefact.digest_files([one, two], tmp_path) == digests[0], "only the executable bit counts"
    one.chmod(0o755)
    digests.append(artefact.digest_files([one, two], tmp_path))
    two.write_text("3")
    digests.append(artefact.digest_files([one, two], tmp_path))
    two.rename(tmp_path / "three")
    digests.append(artefact.digest_files([one, tmp_path / "three"], tmp_path))
    digests.append(artefact.digest_files([one], tmp_path))
    assert len(set(digests)) == 5


def test_a_digest_of_files_does_not_depend_on_the_place(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_text("same")
    digests = {artefact.digest_files([base / "sub/file"], base) for base in (tmp_path / "here", tmp_path / "there")}
    assert len(digests) == 1

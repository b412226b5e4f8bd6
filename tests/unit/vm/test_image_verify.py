"""What differs between two builds is found and named; old images go only when nothing uses them; budgets are judged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vm.errors import BadInput, WatchpostError
from vm.image import assemble, bench, build, differing, prune, sandbox, tree_diff, verify

EPOCH = 1_700_000_000


def tree(at: Path, clock: str) -> Path:
    """A small tree in which one file holds what a clock said, as a careless maintainer script would leave it."""
    (at / "etc").mkdir(parents=True)
    (at / "etc/hostname").write_text("monitor\n")
    (at / "etc/build-stamp").write_text(f"built at {clock}\n")
    (at / "etc/link").symlink_to("hostname")
    for path in (*at.rglob("*"), at):
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    return at


def test_a_file_that_depends_on_the_clock_is_named_and_nothing_else(tmp_path: Path) -> None:
    one, other = tree(tmp_path / "1", "2026-01-01"), tree(tmp_path / "2", "2027-02-05")
    assert tree_diff.compare(one, other, EPOCH) == ("/etc/build-stamp: content",)
    assert tree_diff.compare(one, tree(tmp_path / "3", "2026-01-01"), EPOCH) == (), "the control: equal trees have no difference"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda root: (root / "etc/hostname").chmod(0o600), "/etc/hostname: mode"),
        (lambda root: os.utime(root / "etc/hostname", (EPOCH - 9, EPOCH - 9)), "/etc/hostname: time"),
        (lambda root: (root / "etc/hostname").unlink(), "/etc/hostname: only in the first"),
        (lambda root: (root / "new").write_text(""), "/new: only in the second"),
        (lambda root: [(root / "etc/link").unlink(), (root / "etc/link").symlink_to("build-stamp")], "/etc/link: content"),
        (lambda root: [(root / "etc/link").unlink(), (root / "etc/link").mkdir()], "/etc/link: content, mode, type"),
    ],
    ids=["mode", "older", "gone", "new", "link", "type"],
)
def test_each_kind_of_difference_is_named(tmp_path: Path, change: object, line: str) -> None:
    one, other = tree(tmp_path / "1", "x"), tree(tmp_path / "2", "x")
    change(other)  # type: ignore[operator]
    assert line in tree_diff.compare(one, other, EPOCH)


def test_times_after_the_builds_clock_are_no_difference(tmp_path: Path) -> None:
    one, other = tree(tmp_path / "1", "x"), tree(tmp_path / "2", "x")
    os.utime(other / "etc/hostname", (EPOCH + 99, EPOCH + 99))
    assert tree_diff.compare(one, other, EPOCH) == ()


def test_disks_tell_where_they_begin_to_differ(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(bytes(3 * 2**20))
    (tmp_path / "2").write_bytes(bytes(2 * 2**20 + 5) + b"x" + bytes(2**20 - 6))
    assert str(2 * 2**20 + 5) in differing.first_difference(tmp_path / "1", tmp_path / "2")


def test_what_is_looked_into_is_the_first_plain_file_with_another_content(tmp_path: Path) -> None:
    one, other = tree(tmp_path / "1", "2026-01-01"), tree(tmp_path / "2", "2027-02-05")
    (other / "etc").chmod(0o700)
    for root, target in ((one, "/etc/passwd"), (other, "/etc/group")):
        (root / "etc/a-link").symlink_to(target)  # on this host these are files, and none of the image's
    found = tree_diff.compare(one, other, EPOCH)
    assert found == ("/etc: mode", "/etc/a-link: content", "/etc/build-stamp: content")
    assert list(differing.contents(found, one, other)) == [(one / "etc/build-stamp", other / "etc/build-stamp")]


@pytest.mark.parametrize(
    ("script", "told"),
    [("echo -old; echo +new; exit 1", "-old\n+new"), ("seq 100; exit 1", "60\n… and 40 more lines"), ("echo I am ill >&2; exit 2", "diffoscope ended with exit code 2: I am ill")],
    ids=["differs", "much", "fails"],
)
def test_what_diffoscope_says_is_told_and_its_failure_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str) -> None:
    (tmp_path / "diffoscope").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "diffoscope").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert differing.look_into(tmp_path / "one", tmp_path / "other").endswith(told)


def test_the_two_ways_to_build_differ_in_everything_that_must_not_matter() -> None:
    one, other = verify.surroundings(Path("/s"))
    assert all(getattr(one, name) != getattr(other, name) for name in verify.Surroundings.model_fields)
    assert other.clock_days == 400


def test_a_false_clock_is_for_programs_and_not_for_files() -> None:
    assert assemble.clock(0) == {}
    found = assemble.clock(400)
    assert found["FAKETIME"] == "+400d" and found["NO_FAKE_STAT"] == "1"


def test_a_build_sees_nothing_of_its_surroundings() -> None:
    words = sandbox.argv(["mmdebstrap"], sandbox.environment(EPOCH, Path("/s")))
    assert "--net" in words and "--ignore-environment" in words and words[-1] == "mmdebstrap"
    assert f"SOURCE_DATE_EPOCH={EPOCH}" in words and "TZ=UTC" in words and "LC_ALL=C.UTF-8" in words


def finished(images: Path, name: str, used: int) -> Path:
    """A finished image, last used at a time."""
    path = images / name
    path.mkdir(parents=True)
    (path / "image.json").write_text("{}")
    os.utime(path / "image.json", (used, used))
    return path


def test_old_images_go_unless_a_machine_uses_them(tmp_path: Path) -> None:
    found = [finished(tmp_path, f"monitor-{number}", number) for number in range(5)]
    mounts = f"36 35 0:29 / /merged rw - overlay overlay rw,lowerdir={found[1]}/tree,upperdir=/u\n".encode()
    disk = b"QFI\xfb" + bytes(100) + f"{found[2]}/disk.raw".encode() + bytes(100)
    assert prune.superfluous(found, 1, [mounts, disk]) == [found[3], found[0]]
    assert prune.superfluous(found, 1, []) == [found[3], found[2], found[1], found[0]], "the control: unused ones do go"
    assert prune.superfluous(found, 5, []) == []


def test_the_image_just_built_stays_and_so_do_other_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "witnesses", lambda: [])
    current, ground = finished(tmp_path, "monitor-9", 0), finished(tmp_path / "packages", "monitor-8", 0)
    kept = [finished(tmp_path, "monitor-2", 2), finished(tmp_path, "puppet-1", 1), finished(tmp_path / "packages", "monitor-3", 3)]
    gone = [finished(tmp_path, "monitor-1", 1), finished(tmp_path / "packages", "monitor-1", 1)]
    assert prune.prune(current, ground, keep=1) == gone
    assert all(path.exists() for path in (current, ground, *kept)) and not any(path.exists() for path in gone)


def test_a_longer_name_is_not_taken_for_a_shorter_one(tmp_path: Path) -> None:
    one, other = finished(tmp_path, "monitor-1", 1), finished(tmp_path, "monitor-1.2", 2)
    assert prune.superfluous([one, other], 0, [f"lowerdir={other}/tree".encode()]) == [one]


def test_witnesses_are_mounts_plans_and_heads_of_disks(tmp_path: Path) -> None:
    for name, text in (("proc/7/mountinfo", "m"), ("lib/labs/x/machines/fleet/start.json", "s"), ("lib/labs/x/machines/monitor/disk.qcow2", "q")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert sorted(prune.witnesses(tmp_path / "proc", tmp_path / "lib")) == [b"m", b"q", b"s"]


def test_an_image_built_again_lies_beside_the_first_and_wins(tmp_path: Path) -> None:
    digest = "0123456789abcdef" + "0" * 48
    first = finished(tmp_path, "monitor-0123456789abcdef", 1)
    assert build.vacant(first) == tmp_path / "monitor-0123456789abcdef.2"
    for number in (2, 10):
        finished(tmp_path, f"{first.name}.{number}", 1)
    (tmp_path / f"{first.name}.11").mkdir()  # not finished
    assert [path.suffix for path in build.directories(tmp_path, "monitor", digest)] == ["", ".2", ".10"]


def test_a_full_disk_is_said_in_a_sentence_and_the_work_is_gone(tmp_path: Path) -> None:
    with pytest.raises(WatchpostError, match="image monitor could not be built: the disk is full") as error, build.workplace(
        tmp_path, "monitor-0", "monitor"
    ) as work:  # fmt: skip
        (work / "half").write_text("")
        raise WatchpostError("tar failed with exit code 2: write error: No space left on device")
    assert "4 GiB" in error.value.todo and list(tmp_path.iterdir()) == []


def test_another_failure_keeps_its_words_and_bad_input_its_exit_code() -> None:
    assert "APT is ill" in build.explained(WatchpostError("APT is ill"), "monitor", Path("/x"), 10_000).what
    assert build.explained(WatchpostError("x", "", "look"), "monitor", Path("/x"), 10_000).todo == "look"
    with pytest.raises(BadInput, match="wrong"), build.told("monitor", Path("/")):
        raise BadInput("wrong")


def spent(*seconds: float) -> list[bench.Spent]:
    """Repetitions of so many seconds, half of them computing."""
    return [bench.Spent(one, one / 2) for one in seconds]


def test_budgets_are_judged_by_medians() -> None:
    lines = {line.what: line for line in bench.judged(spent(100), spent(150), spent(15, 14, 99), spent(2.1, 1.9, 2.0))}
    assert [lines[name].verdict for name in ("plain mmdebstrap", "cold build", "one changed file", "unchanged")] == ["", "met", "met", "met"]
    assert (lines["cold build"].ratio, lines["cold build"].cpu_s, lines["one changed file"].cpu_ratio) == (1.5, 75, 0.1)
    missed = {line.what: line.verdict for line in bench.judged(spent(100), spent(151), spent(15.2), spent(2.1))}
    assert missed == {"plain mmdebstrap": "", "cold build": "missed", "one changed file": "missed", "unchanged": "missed"}

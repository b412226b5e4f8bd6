"""What would change is exactly what changes: on a repository made of this checkout, one line at a time; and the same bytes every time."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from rich.console import Console

from provision.deployment import lab_data
from puppet_fixtures import example_lab
from puppet_fixtures.fleet import fleet
from puppet_fixtures.plan import plan, report, revision, state
from puppet_fixtures.plan.difference import Plan, between, masked, unified
from puppet_fixtures.plan.state import Machine, State
from vm.errors import BadInput, WatchpostError
from vm.lab import of_name

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
FIRST = "rsync"
"""Role of the first host of seed 1: the only host of these plans."""
ROLE = f"puppet_fixtures/site/role/manifests/{FIRST}.pp"
CHECK = f"  include profile::{FIRST}\n  monitoring::check {{ 'one-more': command => 'ssh', runs_on => 'monitor', priority => 'low' }}\n"
ADDED = f"""--- a/etc/icinga2/watchpost.d/hosts/{FIRST}-001.lab.test.conf
+++ b/etc/icinga2/watchpost.d/hosts/{FIRST}-001.lab.test.conf
"""
OBJECT = f"""object Service "one-more" {{
  import "generic-service"
  host_name = "{FIRST}-001.lab.test"
  zone = "master"
  check_command = "ssh"
  check_interval = 60
  retry_interval = 30
  max_check_attempts = 3
  vars.priority = "low"
  vars.runs_on = "monitor"
}}"""
SECRETS = ("s3cret-of-old", "s3cret-of-new")
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]


def git(repository: Path, *words: str) -> str:
    return subprocess.run([*GIT, "-C", str(repository), *words], check=True, capture_output=True, text=True).stdout.strip()


def replace(repository: Path, name: str, old: str, new: str) -> None:
    path = repository / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def make_repository(repository: Path) -> None:
    """A repository with the sources of this checkout and these commits: base, one check more, two of secrets, one that does not compile."""
    repository.mkdir()
    for name in ("tasks.py", ".gitignore"):
        shutil.copy(ROOT / name, repository / name)
    for name in ("vm", "puppet_fixtures", "provision", "loadtest"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__"))
    for role in ("fleet", "puppet"):  # a plan has the machines whose role there is: a host and the monitor are enough here
        (repository / "puppet_fixtures/site/role/manifests" / f"{role}.pp").unlink()
    git(repository, "init", "--quiet")

    def commit(name: str) -> None:
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--allow-empty", "--message", name)
        git(repository, "tag", name)

    commit("base")
    replace(repository, ROLE, f"  include profile::{FIRST}\n", CHECK)
    commit("check")
    common, template = "puppet_fixtures/data/common.yaml", "puppet_fixtures/site/profile/templates/monitor/valkey.conf.epp"
    replace(repository, common, "# What the services", f"secrets::redis: {SECRETS[0]}\n# What the services")
    commit("secret")
    replace(repository, common, SECRETS[0], SECRETS[1])
    replace(repository, template, "port 6380", "port 6390")
    commit("another-secret")
    git(repository, "checkout", "--quiet", "base")
    replace(repository, ROLE, f"  include profile::{FIRST}\n", f"  include profile::{FIRST}\n  include profile::none_such\n")
    commit("broken")
    git(repository, "checkout", "--quiet", "check")


def in_process(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`invoke plan` as a user runs it there."""
    argv = [sys.executable, "-m", "invoke", "plan", "--hosts", "1", *words]
    return subprocess.run(argv, cwd=repository, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)


class Runs:
    """All plans of this file, made one after the other beside other tests."""

    def __init__(self) -> None:
        self.directory = TemporaryDirectory()
        self.repository = Path(self.directory.name, "repository")
        self.pool = ThreadPoolExecutor(1)
        self.made = self.pool.submit(make_repository, self.repository)
        self.command = self.later(lambda: (self.fingerprint(), in_process(self.repository, "--from", "base", "--exit-code", "--json"), self.fingerprint()))
        self.nothing = self.later(lambda: in_process(self.repository, "--from", "check", "--exit-code"))
        self.secret = self.later(lambda: plan(self.repository, "secret", "another-secret", 1, 1))
        self.broken = self.later(self.compile_broken)

    def later(self, what: Callable[[], T]) -> Future[T]:
        return self.pool.submit(what)

    def compile_broken(self) -> WatchpostError:
        with pytest.raises(WatchpostError) as caught:
            state.of(revision.tree(self.repository, "broken", Path(self.directory.name, "broken")), "broken", fleet(1), "")
        return caught.value

    def fingerprint(self) -> tuple[str, bytes, str]:
        """What a plan must leave alone: branch and worktrees, index, work tree."""
        status = git(self.repository, "--no-optional-locks", "status", "--porcelain", "--branch")
        return status, (self.repository / ".git" / "index").read_bytes(), git(self.repository, "worktree", "list", "--porcelain")


@cache
def early() -> Runs:
    """Started by conftest before the first test."""
    return Runs()


def check() -> Plan:
    """What one check more would change, as the command says it."""
    return Plan.model_validate_json(early().command.result()[1].stdout)


def test_one_check_more_changes_exactly_its_own_lines() -> None:
    found = check()
    (change,) = found.files
    head, _, hunk = change.diff.partition("@@")
    assert head == ADDED
    lines = hunk.split("\n")[1:-1]
    assert [line for line in lines if line.startswith("-")] == []
    assert "\n".join(line[1:] for line in lines if line.startswith("+")).strip("\n") == OBJECT
    assert found.services.model_dump() == {"added": (f"{FIRST}-001.lab.test!one-more",), "removed": (), "changed": ()}
    assert not (found.monitored_hosts or found.commands or found.roles or found.resources or found.refused)


def test_the_command_ends_with_one_and_leaves_the_repository_alone() -> None:
    before, done, after = early().command.result()
    assert (done.returncode, done.stderr) == (1, "")
    assert (check().before, check().after) == (git(early().repository, "rev-parse", "base"), revision.WORKING_TREE)
    assert before == after


def test_nothing_would_change_is_said_and_ends_with_zero() -> None:
    done = early().nothing.result()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n\nnothing would change\n") and "\x1b" not in done.stdout


def test_a_changed_secret_is_seen_and_never_shown() -> None:
    found = early().secret.result()
    whole = report.text(found) + found.model_dump_json()
    assert not any(secret in whole for secret in SECRETS)
    assert not re.search("[0-9a-f]{64}", whole), "nor a digest of one"
    (valkey,) = (it.diff for it in found.files if it.path == "/etc/valkey/valkey.conf")
    changed = [line for line in valkey.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-[sensitive, before]", "+[sensitive, after]"]
    (parameters,) = ((it.before, it.after) for it in found.resources if it.name == "Class[Profile::Monitor::Valkey]")
    assert parameters == ({"password": '"[sensitive, before]"'}, {"password": '"[sensitive, after]"'})
    assert "placeholder-of-" not in whole


def test_what_does_not_compile_is_named_with_file_and_line() -> None:
    error = early().broken.result()
    line = (ROOT / ROLE).read_text(encoding="utf-8").splitlines().index(f"  include profile::{FIRST}") + 2
    assert error.what.startswith(f"broken does not compile for {FIRST}-001.lab.test: ") and "none_such" in error.what
    assert (error.exit_code, error.where) == (1, f"{ROLE}, line {line}")
    assert "/tmp" not in str(error)


@pytest.mark.parametrize("name", ["nope", "--output=x", "", "HEAD~99"])
def test_a_revision_that_is_none_is_bad_input(name: str) -> None:
    early().made.result()
    with pytest.raises(BadInput, match="there is no revision"):
        revision.resolve(early().repository, name)
    assert revision.resolve(early().repository, "base") == git(early().repository, "rev-parse", "base")


def test_a_revision_without_control_repository_is_bad_input(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "empty")
    with pytest.raises(BadInput, match="has no directory puppet_fixtures"):
        revision.tree(tmp_path, git(tmp_path, "rev-parse", "HEAD"), tmp_path / "tree")


def test_trees_are_alike_as_long_as_names_and_bytes_are(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name / "site").mkdir(parents=True)
        (tmp_path / name / "site" / "a.pp").write_text("1")
    assert revision.alike(tmp_path / "one", tmp_path / "other")
    (tmp_path / "other" / "site" / "a.pp").write_text("2")
    assert not revision.alike(tmp_path / "one", tmp_path / "other")
    (tmp_path / "one" / "site" / "a.pp").write_text("2")
    (tmp_path / "one" / "b.pp").touch()
    assert not revision.alike(tmp_path / "one", tmp_path / "other")


def test_work_began_where_the_branch_left_main_or_at_head_or_before_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for name in ("one", "two"):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", name)
    assert revision.base(tmp_path) == "HEAD~"
    (tmp_path / "puppet_fixtures").mkdir()
    (tmp_path / "puppet_fixtures" / "new").touch()
    assert revision.base(tmp_path) == "HEAD"
    forked = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "checkout", "--quiet", "-b", "topic")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "three")
    assert revision.base(tmp_path) == forked


def test_an_interrupted_plan_leaves_nothing_behind(tmp_path: Path) -> None:
    early().made.result()
    argv = [sys.executable, "-m", "invoke", "plan", "--from", "base"]
    with subprocess.Popen(
        argv, cwd=early().repository, env=os.environ | {"TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            end = time.monotonic() + 60
            while not list(tmp_path.glob("watchpost-compile-*/lab/nodes/monitor*")):
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, said
    assert "Traceback" not in said and list(tmp_path.iterdir()) == []


# --- the difference itself


def of_texts(files: dict[str, str] | None = None, **resources: dict[str, object]) -> State:
    monitor = Machine("monitor", {f"File[{name}]": it for name, it in resources.items()}, files or {})
    return State("r", {"a.lab.test": Machine("web", monitor.resources, monitor.files)}, monitor, {})


def test_parameters_are_told_one_by_one() -> None:
    found = between(of_texts(same={"mode": "1"}, old={"mode": "1"}, it={"a": 1, "b": [1]}), of_texts(same={"mode": "1"}, new={}, it={"a": 2, "b": [1]}), 1, 1)
    assert [(it.name, it.before, it.after) for it in found.resources] == [
        ("File[it]", {"a": "1"}, {"a": "2"}),
        ("File[new]", None, {}),
        ("File[old]", {"mode": '"1"'}, None),
    ]
    (role,) = found.roles
    assert (role.role, role.machines) == ("web", 1)
    assert role.resources.model_dump() == {"added": ("File[new]",), "removed": ("File[old]",), "changed": ("File[it]",)}


def test_a_text_alone_changes_the_file_of_its_role() -> None:
    found = between(of_texts({"/x": "1\n"}, **{"/x": {}}), of_texts({"/x": "2\n"}, **{"/x": {}}), 1, 1)
    assert found.roles[0].resources.changed == ("File[/x]",)
    assert [it.diff for it in found.files] == ["--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"]


def test_order_of_resources_and_files_is_nothing() -> None:
    one = between(of_texts({}), of_texts({"/a": "1", "/b": "2"}, x={"p": 1, "q": 2}, y={}), 1, 1)
    other = between(of_texts({}), of_texts({"/b": "2", "/a": "1"}, y={}, x={"q": 2, "p": 1}), 1, 1)
    assert one == other and report.text(one) == report.text(other) and not one.empty


@pytest.mark.parametrize(("old", "new"), [("", "a\n"), ("a\n", ""), ("a", "a\n"), ("a\n", "a"), ("a\rb\n\u2028c\x0bd\n", "a\rb\nd\n"), ("1\n2\n", "1\n3\n2\n")])
def test_git_takes_the_diff(old: str, new: str, tmp_path: Path) -> None:
    """Git makes the new file of the old one and our diff."""
    file = tmp_path / "file"
    file.write_bytes(old.encode())
    done = subprocess.run(["git", "apply", "--unsafe-paths", "-"], cwd=tmp_path, input=unified(old, new, "a/file", "b/file").encode(), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == new.encode()


def test_sealed_values_are_told_apart_by_their_side_alone() -> None:
    one, two = (f"[sensitive {letter * 64}]" for letter in "ab")
    assert masked(f"x {one}", f"y {one}", "before") == "x [sensitive]"
    assert masked(f"x {one}", f"y {two}", "before") == "x [sensitive, before]"


def test_terminals_get_colours_and_obey_nothing() -> None:
    found = between(of_texts({"/x": "a\n"}), of_texts({"/x": "\x1b[2Jb\u202e[bold]\r\n"}), 1, 1)

    def shown(terminal: bool) -> str:
        stream = io.StringIO()
        report.show(found, Console(file=stream, force_terminal=terminal, width=10, highlight=False, color_system="standard" if terminal else None))
        return stream.getvalue()

    assert shown(False) == report.text(found)
    assert "+\\u001b[2Jb\\u202e[bold]\\u000d\n" in shown(False)
    assert "\x1b[32m+\\u001b" in shown(True) and "\x1b[2J" not in shown(True)


def test_a_plan_needs_a_possible_fleet() -> None:
    with pytest.raises(WatchpostError, match="no room for 201 hosts"):
        plan(ROOT, "", "", 201, 1)
    assert check().hosts == 1


ANY = of_name("any")


def test_the_example_lab_has_the_data_of_a_real_one() -> None:
    assert set(example_lab.lab(fleet(1))) == set(
        lab_data(ANY, {}, "query", "ssh-ed25519 AAAA", "ssh-ed25519 AAAB", "", "puppet.lab.test", "fleet.lab.test", ANY.gateway)
    )

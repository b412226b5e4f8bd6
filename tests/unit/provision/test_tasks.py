"""Words that cannot be: exit code 2 and a sentence with the remedy, no trace, and nothing made or changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Done

from provision import checks, options, up
from provision.rebuild import run as rebuilding
from vm import lab
from vm.errors import BadInput, WatchpostError
from vm.hosting import HostingSpec

ROOT = Path(__file__).resolve().parents[3]
NONE = "unit-none"
SIZE = HostingSpec(vcpus=1, memory_mib=512, disk_gib=10)


def in_a_process(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a task as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def traces() -> list[Path]:
    """What a lab of this test would leave behind; locks are closed to all but root, who alone can make one."""
    places = [lab.STATE / "labs" / NONE, lab.STATE / "locks" / NONE]
    return [path for path in places if os.path.exists(path)]


@pytest.mark.parametrize(
    ("words", "what", "todo"),
    [
        ("provision --agents sid", "there is no real machine of 'sid'", "bookworm, trixie, forky"),
        ("provision --offer hetzner-cx24", "no offer named 'hetzner-cx24'", "did you mean hetzner-cx"),
        ("provision --vcpus -1", "no machine has this size: vcpus", "positive numbers"),
        ("provision --disk -3", "no machine has this size: disk_gib", "positive numbers"),
        ("provision --vcpus 0", "no machine has this size: vcpus", "positive numbers"),
        ("provision --disk 0", "no machine has this size: disk_gib", "positive numbers"),
        ("provision --memory 0", "no machine has this size: memory_mib", "at least 64 MiB"),
        ("provision --vcpus two", "'two' is no number", "--vcpus 2"),
        ("provision --memory 16", "no machine has this size: memory_mib", "at least 64 MiB"),
        ("provision --memory lots", "'lots' is no amount of memory", "2048M or 2G"),
        ("provision --driver vmware", "no driver 'vmware'", "container, host, libvirt"),
        ("provision --seed first", "'first' is no whole number", "--seed"),
        ("provision --collect all", "no way of collecting named 'all'", "query or realise"),
        ("provision --hosts 0", "no room for 0 hosts", "1 to 200"),
        ("provision --hosts 201", "no room for 201 hosts", "1 to 200"),
        ("provision --hosts -5", "no room for -5 hosts", "1 to 200"),
        ("provision --services 151", "no host pushes 151 services", "1 to 150"),
        ("provision --services -1", "no host pushes -1 services", "1 to 150"),
        ("provision --services many", "'many' is no whole number", "--services 20"),
        ("provision --puppet-ca x.pem", "--puppet-ca is about a Puppet server of your own", "--puppet-server too"),
        ("provision --puppet-server p --hosts 3", "simulated hosts need a Puppet server that the lab may fill", "leave --hosts out"),
        ("provision --puppet-server Nope", "'Nope' cannot be used here", "lower-case"),
        ("provision --puppet-server p", "who takes the monitor's mail is not said", "relays mail"),
        ("provision --puppet-server p --smarthost m --puppet-ca /none", "no CA certificate at '/none'", "ca_crt.pem"),
        ("provision --driver host", "named, not started", "--host root@ADDRESS"),
        ("provision --host root@192.0.2.7", "a machine elsewhere cannot reach a Puppet server inside a lab", "--puppet-server NAME"),
        ("provision --host joe@192.0.2.7", "'joe@192.0.2.7' is no machine to log in to as root", "root@ADDRESS"),
        ("provision --host root@192.0.2.777", "no machine to log in to as root", "IPv4"),
        ("open", "there is no lab unit-none", "invoke provision"),
        ("simulate --hosts 20", "there is no lab unit-none", "invoke provision"),
        ("simulate --services 20", "there is no lab unit-none", "invoke provision"),
        ("status", "there is no lab unit-none", "invoke provision"),
        ("console", "there is no lab unit-none", "invoke provision"),
        ("ssh", "there is no lab unit-none", "invoke provision"),
        ("console --machine mail", "no machine 'mail'", "puppet, monitor, fleet"),
    ],
)
def test_bad_words_are_answered_in_words(invoke: Callable[..., Done], words: str, what: str, todo: str) -> None:
    done = invoke(*words.split(), "--lab", NONE)
    assert done.returncode == 2, done.stderr
    first, *rest = done.stderr.splitlines()
    assert first.startswith("watchpost: ") and what in first
    assert todo in next(line for line in rest if line.startswith("  to do: "))
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert traces() == []


@pytest.mark.parametrize("task", ["provision", "status", "console", "ssh", "destroy"])
def test_a_wrong_name_of_a_lab_is_refused_by_every_task(invoke: Callable[..., Done], task: str) -> None:
    done = invoke(task, "--lab", "../etc")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("watchpost: '../etc' is no name for a lab.\n") and "Traceback" not in done.stderr


def test_an_unknown_image_is_refused() -> None:
    done = in_a_process("image", "--kind", "mail")
    assert done.returncode == 2 and "no image 'mail'" in done.stderr and "fleet, monitor, puppet" in done.stderr


def test_help_is_given_and_every_task_is_listed() -> None:
    done = in_a_process("--list")
    assert done.returncode == 0
    assert {"provision", "simulate", "status", "console", "ssh", "destroy"} <= set(done.stdout.split())
    shown = in_a_process("--help", "provision")
    assert shown.returncode == 0 and "--hosts" in shown.stdout and "1 to 200" in shown.stdout


@pytest.mark.parametrize(
    ("more", "named"),
    [({"puppet_server": "puppet.example.org"}, "its Puppet server is puppet.example.org"),
     ({"puppet_server": "puppet.example.org", "driver": "host", "host": "root@192.0.2.7"}, "its monitor is the machine root@192.0.2.7")],
)  # fmt: skip
@pytest.mark.parametrize("words", ["", "--in-place --yes", "--hosts 2 --driver container"])
def test_what_is_the_operators_own_is_not_rebuilt(
    invoke: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: dict[str, str], named: str, words: str
) -> None:
    def begin(*_: object, **__: object) -> None:
        raise WatchpostError("a rebuild began")

    monkeypatch.setattr(lab, "STATE", tmp_path)
    monkeypatch.setattr(rebuilding, "rebuild", begin)
    ours = checks.options(20, 1, "container", SIZE, "query")
    known = ours.model_copy(update=more)
    options.keep(lab.of_name(NONE), known)
    done = invoke("rebuild", "--lab", NONE, *words.split())
    assert done.returncode == 2 and named in done.stderr, done.stderr
    assert "to do: rebuild a lab that has its own" in done.stderr and done.stdout == ""
    assert options.read(lab.of_name(NONE)) == known
    options.keep(lab.of_name(NONE), ours)
    control = invoke("rebuild", "--lab", NONE, *words.split())
    assert control.returncode == 1 and "a rebuild began" in control.stderr, "the control: a lab with all its own"


@pytest.mark.parametrize("hosts", [1, 20, lab.MAX_HOSTS])
@pytest.mark.parametrize("driver", ["container", "libvirt"])
@pytest.mark.parametrize("collect", checks.COLLECT_MODES)
def test_good_words_become_options(hosts: int, driver: str, collect: str) -> None:
    found = checks.options(hosts, 1, driver, SIZE, collect)
    assert (found.hosts, found.driver, found.spec, found.collect_mode) == (hosts, driver, SIZE, collect)
    assert found.services == 0


def test_a_lab_of_a_puppet_server_wants_it_named_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "STATE", tmp_path)
    one = lab.of_name(NONE)
    checks.need_its_server(one, None)
    options.keep(one, checks.options(6, 3, "container", SIZE, "realise").model_copy(update={"hosts": 0, "puppet_server": "puppet.example.org"}))
    with pytest.raises(BadInput, match="belongs to the Puppet server puppet.example.org"):
        checks.need_its_server(one, None)


def test_what_simulate_is_not_told_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "STATE", tmp_path)
    one = lab.of_name(NONE)
    options.keep(one, checks.options(6, 3, "container", SIZE, "realise", services=20))
    grown, padded = checks.resized(one, "9", ""), checks.resized(one, "", "50")
    assert (grown.hosts, grown.services, grown.seed, grown.collect_mode) == (9, 20, 3, "realise")
    assert (padded.hosts, padded.services) == (6, 50)
    assert checks.resized(one, "", "0").services == 0
    hurried = checks.resized(one, "", "", "10")
    assert (hurried.hosts, hurried.services, hurried.compress, grown.compress) == (6, 20, 10, 1)
    options.keep(one, hurried)
    assert (checks.resized(one, "9", "").compress, checks.resized(one, "", "", "1").compress, checks.present(one).compress) == (10, 1, 10)
    with pytest.raises(BadInput, match="no interval is divided by 61"):
        checks.resized(one, "", "", "61")
    assert (checks.present(one).services, checks.present(lab.of_name("unit-other")).services) == (20, 0)
    with pytest.raises(BadInput, match="not said what the fleet should become"):
        checks.resized(one, "", "")


@pytest.mark.parametrize(
    ("words", "seed", "collect"), [("", 5, "realise"), ("--seed 7", 7, "realise"), ("--collect query", 5, "query"), ("--seed 0", 0, "realise")]
)
def test_what_provision_is_not_told_stays(
    invoke: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str, seed: int, collect: str
) -> None:
    def begin(*_: object, **__: object) -> None:
        raise WatchpostError("the stages began")

    monkeypatch.setattr(lab, "STATE", tmp_path)
    monkeypatch.setattr(checks, "root", lambda _: None)
    monkeypatch.setattr(up, "up", begin)
    one = lab.of_name(NONE)
    before = checks.options(6, 5, "container", SIZE, "realise", services=20, agents=("trixie",), compress=2)
    (one.records).mkdir(parents=True)
    options.keep(one, before)
    done = invoke("provision", "--lab", NONE, *words.split())
    assert done.returncode == 1 and "the stages began" in done.stderr, done.stderr
    assert options.read(one) == before.model_copy(update={"seed": seed, "collect_mode": collect})

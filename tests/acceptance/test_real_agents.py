"""Real monitored machines with Debian's Icinga and Puppet agents (AVAIL-1, AVAIL-2): each check of all systems broken for real, and what the monitor can not do to them.

Of which releases says WATCHPOST_TEST_AGENTS, trixie by default. They join the tests' lab and leave it at the end.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from provision import checks, deployment, icinga_api, puppet_server
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import answers, of_role, reloaded, service
from tests.acceptance.mails import awaited
from tests.acceptance.notifier_limits import NONE, limited
from vm.drivers import container
from vm.errors import WatchpostError
from vm.wait import wait_until

WORDS = os.environ.get("WATCHPOST_TEST_AGENTS", "trixie")
KINDS = tuple(f"agent-{codename}" for codename in checks.agents(WORDS))
STAMP = "/var/lib/apt/periodic/all-sources-stamp"
UPDATE = "systemctl start apt-daily.service"
SOURCES = "/etc/apt/sources.list"
SUMMARY = "/var/cache/puppet/public/last_run_summary.yaml"
WEAKENED = "/etc/icinga2/watchpost.d/weakened.conf"
MARK = "/var/tmp/by-the-monitor"
QUICK_S = 4
EVIL = f'object CheckCommand "evil" {{ command = [ "/usr/bin/touch", "{MARK}" ] }}\n'


@pytest.fixture(scope="module")
def agents(lab: LiveLab) -> Iterator[LiveLab]:
    """The lab with real machines in it, which have the lab's own APT repository as their one source."""
    assert lab.invoke("provision", "--driver", "container", "--agents", WORDS, "--json").returncode == 0
    key = lab.store.openpgp_key(deployment.REPOSITORY, deployment.SIGNER)[1]
    for kind in KINDS:
        with closing(lab.machine(kind)) as machine:
            machine.write("/etc/apt/keyrings/lab.asc", key)
            machine.write(SOURCES, f"deb [signed-by=/etc/apt/keyrings/lab.asc] http://{of_role(lab, 'apt-repository')} stable main\n")
            machine.run(UPDATE.split())
    yield lab
    assert lab.invoke("provision", "--driver", "container", "--agents", "none", "--json").returncode == 0


@dataclass(frozen=True)
class Break:
    """How a check is broken on a real machine and mended, by shell; the states that it may have then, and a word that its output then has."""

    check: str
    id: str
    breaks: str
    mends: str
    says: str
    states: tuple[int, ...] = (2,)


RUN = "puppet agent --onetime --no-daemonize --no-splay --no-usecacheonfailure --color=false"
MANAGED = "/etc/apt/apt.conf.d/40colour"
BREAKS = {
    "disk full": Break(
        "disk", "CHECK-ALL-2", "fallocate --length $(($(df --output=avail / | tail -1) * 99 / 100))KiB /var/tmp/fill", "rm -f /var/tmp/fill", "DISK CRITICAL",
    ),
    "no inodes left": Break(
        "disk", "CHECK-ALL-2", "mkdir /var/tmp/many && seq --format=/var/tmp/many/%.0f $(($(df --output=iavail / | tail -1) * 95 / 100)) | xargs touch", "rm -rf /var/tmp/many", "DISK CRITICAL",
    ),
    "puppet disabled": Break("puppet", "CHECK-ALL-4", "puppet agent --disable 'by a test'", "puppet agent --enable", "disabled", (1,)),
    "puppet never ran": Break("puppet", "CHECK-ALL-4", f"mv {SUMMARY} {SUMMARY}.away", f"mv {SUMMARY}.away {SUMMARY}", "never"),
    "puppet long ago": Break("puppet", "CHECK-ALL-4", f"sed -i 's/last_run: .*/last_run: 1700000000/' {SUMMARY}", RUN, ""),
    "puppet without a catalog": Break("puppet", "CHECK-ALL-4", f"{RUN} --server nowhere.lab.test || true", RUN, "no catalog"),
    "puppet resource failed": Break(
        "puppet", "CHECK-ALL-4", f"mv {MANAGED} {MANAGED}.away && mkdir {MANAGED} && {{ {RUN} || true; }}", f"rmdir {MANAGED} && mv {MANAGED}.away {MANAGED} && {RUN}", "failed in the last run",
    ),
    "apt dead source": Break(
        "apt", "CHECK-ALL-5", f"echo 'deb [trusted=yes] http://127.0.0.1:9 gone main' >> {SOURCES}; touch --date='5 days ago' {STAMP}; {UPDATE}", f"sed -i '/ gone /d' {SOURCES}; {UPDATE}", "",
    ),
    "apt list expired": Break(
        "apt", "CHECK-ALL-5", "sed '/^Valid-Until/d; 0,/^Date/s//Valid-Until: Sat, 01 Aug 2026 00:00:00 UTC\\nDate/' $(ls /var/lib/apt/lists/*_InRelease | head -1) > /var/lib/apt/lists/old_InRelease",
        "rm /var/lib/apt/lists/old_InRelease", "expired: old_InRelease",
    ),
    "a unit failed": Break("systemd", "CHECK-ALL-6", "systemd-run --quiet --unit=broken-by-a-test false", "systemctl reset-failed", "broken-by-a-test", (1, 2)),
}  # fmt: skip


ALWAYS = ("disk full", "puppet disabled", "puppet resource failed", "apt dead source", "apt list expired", "a unit failed")
"""What `invoke test` breaks too; the others take minutes more and come with `--thorough`."""


def marks(name: str, one: Break) -> list[pytest.MarkDecorator]:
    """What a way to break a check shows, and when it is tried."""
    return [pytest.mark.requirement(one.id), *([] if name in ALWAYS else [pytest.mark.thorough])]


@pytest.fixture(scope="module")
def quick(agents: LiveLab) -> Iterator[LiveLab]:
    """The agents check every few seconds instead of every few minutes, so that what is broken is seen soon."""
    for kind in KINDS:
        hasten(agents, kind)
    yield agents
    for kind in KINDS:
        shell(agents, kind, f"{RUN} && systemctl restart icinga2.service")


def hasten(lab: LiveLab, kind: str) -> None:
    """Shorten the intervals of an agent's checks until its next Puppet run. What it keeps of its past says when each check is due, by the old intervals."""
    shell(lab, kind, f"sed -i -E 's/(check|retry)_interval = .*/\\1_interval = {QUICK_S}/' /etc/icinga2/watchpost.d/services/*.conf")
    shell(lab, kind, "systemctl stop icinga2.service && rm -f /var/lib/icinga2/icinga2.state && systemctl start icinga2.service")


def shell(lab: LiveLab, kind: str, line: str) -> None:
    """Run a line of shell on a real machine; it must succeed."""
    container.inside(lab.lab, kind, ["sh", "-c", line])


def fresh(lab: LiveLab, name: str, check: str, states: tuple[int, ...], says: str = "", *, deadline_s: float = 90) -> str:
    """Wait until the monitor has such a state of a check, with such words; the words."""

    def there() -> str:
        result = service(lab, name, check)["last_check_result"] or {}
        output = str(result.get("output", ""))
        return output if result.get("state") in states and says in output else ""

    return wait_until(there, reason=f"{check} of {name} becomes {states}", deadline_s=deadline_s, interval_s=1)


@pytest.mark.requirement("AVAIL-1", "AVAIL-2")
@pytest.mark.parametrize("kind", KINDS)
def test_a_real_agent_reports_and_comes_back_after_the_monitor_was_restarted(agents: LiveLab, kind: str, record_property: Any) -> None:
    name = agents.lab.fqdn(kind)

    def connected() -> bool:
        try:
            return name not in icinga_api.status(agents.api()).endpoints_missing
        except WatchpostError:
            return False

    assert connected()
    machine, monitor = agents.machine(kind), agents.machine("monitor")
    version = machine.run(["dpkg-query", "--show", "--showformat=${Version}", "icinga2-bin"]).stdout
    puppet = machine.run(["dpkg-query", "--show", "--showformat=${Version}", "puppet-agent"]).stdout
    run = agents.run_puppet(machine)
    assert (run.changed, run.failed) == (0, 0), "a second run changes nothing"
    before = time.time()
    monitor.run(["systemctl", "restart", "icinga2.service"])
    wait_until(connected, reason=f"{kind} is connected again", deadline_s=90, interval_s=1)
    wait_until(lambda: (service(agents, name, "memory")["last_check_result"] or {}).get("execution_end", 0) > before, reason=f"a result of {kind} after the restart", deadline_s=150, interval_s=2)
    machine.close()
    monitor.close()
    wait_until(lambda: not icinga_api.status(agents.api()).endpoints_missing, reason="all agents are back", deadline_s=90)
    record_property("evidence", f"{kind}: icinga2 {version}, puppet-agent {puppet}; connected, and again after the master's restart")


@pytest.mark.requirement("THREAT-N3")
@pytest.mark.parametrize("kind", KINDS)
def test_n3_nobody_connects_to_an_agent(agents: LiveLab, kind: str, record_property: Any) -> None:
    address = str(agents.lab.address(kind))
    with closing(socket.create_connection((address, 22), 10)):  # the control: the machine can be reached
        pass
    with pytest.raises(OSError):
        socket.create_connection((address, 5665), 5).close()
    listening = container.inside(agents.lab, kind, ["ss", "-Htln"])
    assert "127.0.0.1:5665" in listening and "0.0.0.0:5665" not in listening and "*:5665" not in listening
    record_property("evidence", f"{kind}: 5665 listens on loopback alone")


@pytest.mark.requirement("THREAT-B2", "THREAT-B1")
@pytest.mark.parametrize("kind", KINDS[:1])
def test_b2_the_monitor_runs_nothing_on_a_monitored_machine(agents: LiveLab, kind: str, record_property: Any) -> None:
    """By the way in that Icinga has for it: a check with the agent as its endpoint. The control: an agent that accepts commands runs it."""
    name, machine, monitor = agents.lab.fqdn(kind), agents.machine(kind), agents.machine("monitor")
    attack = EVIL + f'object Service "evil" {{ host_name = "{name}"; zone = ZoneName; command_endpoint = "{name}"; check_command = "evil"; check_interval = 5s; retry_interval = 5s; enable_notifications = false }}\n'
    api = "/etc/icinga2/features-enabled/api.conf"
    kept = machine.run(["cat", api]).stdout
    try:
        with reloaded(agents, WEAKENED, attack):
            said = wait_until(lambda: service(agents, name, "evil")["last_check_result"], reason="an answer of the agent", deadline_s=90)["output"]
            assert "does not accept commands" in said
            assert machine.run(["test", "-e", MARK], check=False).returncode == 1
            # what root on the monitor holds besides: its key for checks, which opens nothing here
            argv = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-i", "/etc/watchpost/probe/id_ed25519", f"root@{agents.lab.address(kind)}", "true"]
            assert monitor.run(argv, check=False).returncode == 255
            machine.write(api, kept.replace("accept_commands = false", "accept_commands = true"), mode="0640", owner="root:nagios")
            machine.write(WEAKENED, EVIL, mode="0640", owner="root:nagios")
            machine.run(["systemctl", "restart", "icinga2.service"])
            wait_until(lambda: machine.run(["test", "-e", MARK], check=False).returncode == 0, reason="the weakened agent runs the command", deadline_s=120, interval_s=2)
            owner = machine.run(["stat", "--format=%U", MARK]).stdout.strip()
    finally:
        machine.write(api, kept, mode="0640", owner="root:nagios")
        machine.run(["rm", "-f", WEAKENED, MARK])
        machine.run(["systemctl", "restart", "icinga2.service"])
        machine.close()
        monitor.close()
    assert owner == "nagios"
    record_property("evidence", f"{kind}: {said[:120]}; weakened, the command runs as {owner}")


@contextmanager
def role(lab: LiveLab, kind: str, name: str) -> Iterator[dict[str, float]]:
    """A real machine with a role meanwhile: one run of its agent and one of the monitor's, each way. Seconds that each step took the way there."""
    server, machine, monitor = lab.machine("puppet"), lab.machine(kind), lab.machine("monitor")
    data = f"/etc/puppet/lab/nodes/{lab.lab.fqdn(kind)}.yaml"
    kept = server.run(["cat", data]).stdout
    took: dict[str, float] = {}

    def become(text: str) -> None:
        server.write(data, text, mode="0640", owner="root:puppet")
        took["host's run"] = lab.run_puppet(machine).seconds
        puppet_server.wait_stored(server)
        took["monitor's run"] = lab.run_puppet(monitor).seconds
        wait_until(lambda: answers(lab), reason="Icinga answers with all agents", deadline_s=90)

    try:
        become(kept.replace("plain", name))
        yield took
    finally:
        machine.close()  # it may have been started anew
        machine = lab.machine(kind)
        become(kept)
        for one in (server, machine, monitor):
            one.close()


def checks_of(lab: LiveLab, name: str) -> set[str]:
    """The services of a host."""
    found = icinga_api.get(lab.api(), "/v1/objects/services?attrs=name&attrs=host_name")
    return {one["attrs"]["name"] for one in found if one["attrs"]["host_name"] == name}


@pytest.mark.thorough
@pytest.mark.requirement("CONF-1", "WHY-2")
def test_conf1_a_role_brings_service_and_check_by_one_declaration_and_takes_the_check_away(agents: LiveLab, record_property: Any) -> None:
    """One run of the host's agent and one of the monitor's, each way; and how long it takes until the change has been checked."""
    kind, name = KINDS[0], agents.lab.fqdn(KINDS[0])
    before = checks_of(agents, name)
    began = time.monotonic()
    with role(agents, kind, "rsync") as took:
        assert checks_of(agents, name) - before == {"rsync"}
        fresh(agents, name, "rsync", (0,), deadline_s=180)
        first_s = time.monotonic() - began
        steps = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in took.items())
        assert "active" in container.inside(agents.lab, kind, ["systemctl", "is-active", "rsync.service"])
    assert checks_of(agents, name) == before
    record_property("evidence", f"{name}: with role rsync its daemon and the check `rsync`; {first_s:.0f} s from the change to its first result ({steps}); without the role the check is gone")


@pytest.mark.thorough
@pytest.mark.requirement("CHECK-BTC-1")
def test_a_bitcoin_node_that_falls_behind_is_critical_and_one_source_alone_is_not_believed(agents: LiveLab, record_property: Any) -> None:
    """On a machine with the role; the node is the mock, its block count and the others' are compared for real."""
    kind, name, check = KINDS[0], agents.lab.fqdn(KINDS[0]), "bitcoind-height"
    exported, source = "/var/lib/bitcoind-height/getblockcount", "/srv/lab-http/height/second"
    with role(agents, kind, "bitcoind"):
        shell(agents, kind, "systemctl start export-block-count.service")
        hasten(agents, kind)
        fresh(agents, name, check, (0,), "others say")
        shell(agents, kind, f"systemctl stop export-block-count.timer && echo $(($(cat {exported}) - 7)) > {exported}")
        behind = fresh(agents, name, check, (2,), "others say")
        shell(agents, kind, "systemctl start export-block-count.timer export-block-count.service")
        fresh(agents, name, check, (0,), "others say")
        shell(agents, "fleet", "systemctl stop write-heights.timer")
        try:
            shell(agents, "fleet", f"echo 999999 > {source}")
            lied = fresh(agents, name, check, (3,), "do not agree")
            shell(agents, "fleet", f"rm {source}")
            silent = fresh(agents, name, check, (3,), "two are needed")
        finally:
            shell(agents, "fleet", "systemctl start write-heights.timer write-heights.service")
        fresh(agents, name, check, (0,), "others say")
    record_property("evidence", f"{kind}: {behind.splitlines()[0][:160]}; one source lies: {lied[:120]}; one is dead: {silent[:120]}")


@pytest.mark.thorough
@pytest.mark.requirement("WHY-3")
def test_why3_a_service_that_is_not_back_after_a_reboot_is_told_by_mail(agents: LiveLab, record_property: Any) -> None:
    """What a human forgot: the daemon runs, and nothing starts it at boot."""
    kind, name = KINDS[0], agents.lab.fqdn(KINDS[0])
    with role(agents, kind, "rsync"):
        fresh(agents, name, "rsync", (0,), deadline_s=180)
        shell(agents, kind, "systemctl disable --quiet rsync.service")
        monitor = agents.machine("monitor")
        with limited(monitor, NONE):
            since = time.time()
            container.reboot(agents.lab, kind)
            fresh(agents, name, "agent", (0,), deadline_s=120)
            subject = f"[CRITICAL] {name} rsync"
            told = next(one for one in awaited(agents, since, subject, deadline_s=300) if one.subject == subject)
        monitor.close()
        record_property("evidence", f"{told.subject}, {told.accepted_at - since:.0f} s after the reboot, by no human's doing")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("one", [pytest.param(one, id=name, marks=marks(name, one)) for name, one in BREAKS.items()])
def test_each_check_of_all_systems_turns_and_turns_back(quick: LiveLab, kind: str, one: Break, record_property: Any) -> None:
    name = quick.lab.fqdn(kind)
    good = fresh(quick, name, one.check, (0,))
    assert not one.says or one.says not in good
    shell(quick, kind, one.breaks)
    try:
        bad = fresh(quick, name, one.check, one.states, one.says)
    finally:
        shell(quick, kind, one.mends)
        if RUN in one.mends:
            hasten(quick, kind)
    fresh(quick, name, one.check, (0,))
    record_property("evidence", f"{kind}: {one.check}: {bad.splitlines()[0][:160]}")


@contextmanager
def told(lab: LiveLab, kind: str, data: dict[str, object]) -> Iterator[None]:
    """A real machine with other data in Hiera meanwhile, each way by a run of its own agent."""
    server, path = lab.machine("puppet"), f"/etc/puppet/lab/nodes/{lab.lab.fqdn(kind)}.yaml"
    kept = server.run(["cat", path]).stdout

    def become(text: str) -> None:
        server.write(path, text, mode="0640", owner="root:puppet")
        shell(lab, kind, RUN)
        hasten(lab, kind)

    try:
        become(kept + yaml.safe_dump(data))
        yield
    finally:
        become(kept)
        server.close()


@pytest.mark.requirement("CHECK-ALL-3")
@pytest.mark.parametrize("kind", KINDS)
def test_memory_below_its_threshold_turns_the_check(quick: LiveLab, kind: str, record_property: Any) -> None:
    """By a threshold above what is free: a container sees its host's memory, which no test may fill. A machine that is really full is in test_vm.py."""
    name, check = quick.lab.fqdn(kind), "memory"
    good = fresh(quick, name, check, (0,), "available")
    with told(quick, kind, {"profile::base::checks::memory": {"warning": 99, "critical": 98}}):
        bad = fresh(quick, name, check, (2,), "available")
    fresh(quick, name, check, (0,), "available")
    record_property("evidence", f"{kind}: {good.splitlines()[0][:80]}; with 98 % wanted: {bad.splitlines()[0][:80]}")


@pytest.mark.thorough
@pytest.mark.requirement("CHECK-ALL-1", "THREAT-A0")
@pytest.mark.parametrize("kind", KINDS)
def test_a_machine_that_is_gone_turns_its_host(agents: LiveLab, kind: str, record_property: Any) -> None:
    """Its agent stopped first: the connection is missed; then its network."""
    name = agents.lab.fqdn(kind)
    assert service(agents, name, "agent")["state"] == 0
    container.inside(agents.lab, kind, ["systemctl", "stop", "icinga2.service"])
    try:
        wait_until(lambda: service(agents, name, "agent")["state"] == 2, reason="the agent is missed", deadline_s=150, interval_s=2)
        said = service(agents, name, "agent")["last_check_result"]["output"]
    finally:
        container.inside(agents.lab, kind, ["systemctl", "start", "icinga2.service"])
    wait_until(lambda: service(agents, name, "agent")["state"] == 0, reason="the agent is back", deadline_s=150, interval_s=2)
    container.inside(agents.lab, kind, ["ip", "link", "set", "host0", "down"])
    try:
        wait_until(lambda: host_state(agents, name) == 1, reason="the host is down", deadline_s=240, interval_s=2)
    finally:
        container.inside(agents.lab, kind, ["ip", "link", "set", "host0", "up"])
        container.inside(agents.lab, kind, ["networkctl", "reconfigure", "host0"], check=False)
    wait_until(lambda: host_state(agents, name) == 0, reason="the host is up", deadline_s=150, interval_s=2)
    record_property("evidence", f"{kind}: {said[:160]}; without a network the host is down")


def host_state(lab: LiveLab, name: str) -> int:
    """0 up, 1 down."""
    (found,) = icinga_api.get(lab.api(), f"/v1/objects/hosts/{name}?attrs=state")
    return int(found["attrs"]["state"])

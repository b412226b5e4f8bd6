"""Facts that are attacks, by the real way from a host's Puppet run to Icinga's objects (THREAT-A1): nothing becomes an object, nothing starts."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provision import agents, icinga_api, puppet_run, puppet_server
from puppet_fixtures import fleet
from tests.acceptance.conftest import HOSTS, LiveLab
from tests.acceptance.icinga import reloaded
from tests.acceptance.watching import watched
from vm.drivers import container
from vm.errors import WatchpostError

SEED = 20261126
EVIL = 'object CheckCommand "evil" { command = [ "/usr/bin/touch", "/tmp/by-a-fact" ] }'
NASTY = (
    f'"\n}}\n{EVIL}\n', f"}}}}\n{EVIL}\n/*", "{{ }}", "-:system('touch /tmp/by-a-fact')", "$host.name$", "$(touch /tmp/by-a-fact)", "`touch /tmp/by-a-fact`",
    "<%= `touch /tmp/by-a-fact` %>", "%{lookup('secrets::redis')}", "${facts}", "\\", '\\"', "\n\n", "\x1b[2J", "\u202etxt", "../../../../etc/passwd", "x" * 20_000, "",
)  # fmt: skip
MARK = "/tmp/by-a-fact"


def hostile(value: Any, draw: random.Random) -> Any:
    """The same facts with attacks in every second place where a text was, and under some keys that were not there."""
    if isinstance(value, dict):
        more = {draw.choice(NASTY)[:200] or "empty": draw.choice(NASTY)} if draw.random() < 0.2 else {}
        return {key: hostile(item, draw) for key, item in value.items()} | more
    if isinstance(value, list):
        return [hostile(item, draw) for item in value]
    return draw.choice(NASTY) if isinstance(value, str) and draw.random() < 0.5 else value


def objects(lab: LiveLab) -> dict[str, set[str]]:
    """The names of Icinga's objects, by type."""
    kinds = ("hosts", "services", "checkcommands", "users", "notifications", "notificationcommands", "eventcommands", "endpoints", "zones", "apiusers", "timeperiods")
    return {kind: {one["name"] for one in icinga_api.get(lab.api(), f"/v1/objects/{kind}?attrs=__name")} for kind in kinds}


def collect(lab: LiveLab) -> puppet_run.PuppetRun:
    """The monitor's own Puppet run, once all is stored."""
    server, monitor = lab.machine("puppet"), lab.machine("monitor")
    puppet_server.wait_stored(server)
    run = lab.run_puppet(monitor)
    server.close()
    monitor.close()
    return run


@pytest.mark.requirement("THREAT-A1")
def test_a1_hostile_facts_become_no_object_and_start_nothing(lab: LiveLab, tmp_path: Path, record_property: Any) -> None:
    draw, now = random.Random(SEED), datetime.now(UTC)
    members = {host.certname: host for host in fleet.fleet(HOSTS)[:6]}
    facts = {name: dict(fleet.facts(host, now, fleet.address(host, lab.lab.network))) for name, host in members.items()}
    for name in members:
        shutil.copytree(lab.identities / name, tmp_path / name)
    before, taken, refused = objects(lab), [], []
    try:
        with watched(lab, "monitor") as started:
            for name in members:
                attack = hostile(facts[name], draw)
                attack["networking"]["ip"] = draw.choice(NASTY)  # what is exported where the lab's data knows no address: always
                try:
                    agents.run_agent(lab.puppet, name, attack, tmp_path)
                    taken.append(name)
                except WatchpostError as error:
                    refused.append(f"{name}: {error.what[:80]}")
            run = collect(lab)
            assert objects(lab) == before
            assert run.failed == 0
            assert not [path for path in started if path.endswith("/touch")]
            container.inside(lab.lab, "monitor", ["touch", "/tmp/control"])  # the control: a program that starts is seen
            container.inside(lab.lab, "monitor", ["rm", "/tmp/control"])
        assert [path for path in started if path.endswith("/touch")], "the watch itself sees nothing"
        assert container.inside(lab.lab, "monitor", ["find", "/tmp", "-path", MARK]) == ""
        with reloaded(lab, "/etc/icinga2/watchpost.d/weakened.conf", EVIL + "\n"):  # the control: what a fact would have made is seen
            assert objects(lab)["checkcommands"] - before["checkcommands"] == {"evil"}
    finally:
        agents.run_agents(lab.puppet, facts, tmp_path)
        collect(lab)
    assert taken, f"no host's facts came through at all: {refused}"
    assert objects(lab) == before
    record_property("evidence", f"hostile facts of {len(members)} hosts, {len(taken)} taken and {len(refused)} refused: the same {sum(map(len, before.values()))} objects, nothing of theirs started")

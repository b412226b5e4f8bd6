"""Facts that are attacks, by the real way from a host's Puppet run to Icinga's objects (THREAT-A1): nothing becomes an object, nothing starts.

Of what hosts export, the address alone comes from a fact, and only where the lab's data knows none; so it knows none of the attacked ones here. Names, commands
and variables of checks come from code and data on the Puppet server: what hostile ones would become is shown in tests/unit/puppet_fixtures/test_render.py.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provision import agents, icinga_api, puppet_run, puppet_server
from provision.deployment import ENVIRONMENT, LAB_DATA
from provision.protocol import puppet
from provision.ssh import Machine
from puppet_fixtures import fleet
from tests.acceptance.conftest import HOSTS, LiveLab
from tests.acceptance.watching import ATTACK, resisting
from vm.errors import WatchpostError
from vm.wait import wait_until

ATTACKERS = 6
SHELL = " ".join(ATTACK)
MADE = "by-a-fact"
INJECTED = f'127.0.0.1"; }}; object CheckCommand "{MADE}" {{ command = {json.dumps(ATTACK)} }}; object Host "{MADE}" {{ check_command = "dummy"; notes = "'
"""What ends an address and begins two objects, where quotation marks in it are left as they are."""
NASTY = (
    INJECTED, INJECTED.replace("; ", "\n"), "}}\n/*", "{{ }}", f"-:system('{SHELL}')", "$host.name$", f"$({SHELL})", f"`{SHELL}`", f"<%= `{SHELL}` %>", "%{lookup('secrets::redis')}", "${facts}",
    "\\", '\\"', "\n\n", "\x1b[2J", "\u202etxt", "../../../../etc/passwd", "10.0.0.1\n", "10.0.0.999", "x" * 20_000, "",
)  # fmt: skip
HERE = ("127.0.0.1", "::1")
"""Addresses that are some: with such a fact a host misdirects the checks of itself, and it is nobody else's."""
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
"""Without NUL, of which PostgreSQL knows none: PuppetDB would try for hours to store such facts."""
claims = st.one_of(st.sampled_from(HERE), texts, st.none(), st.integers(), st.lists(texts, max_size=2), st.dictionaries(texts, texts, max_size=2))
KINDS = (
    "hosts", "services", "checkcommands", "users", "usergroups", "notifications", "notificationcommands", "eventcommands", "endpoints", "zones", "apiusers", "timeperiods", "dependencies",
    "downtimes", "scheduleddowntimes",
)  # fmt: skip
CONFIGURED = {
    "zone", "templates", "package", "address", "address6", "display_name", "check_command", "command", "command_endpoint", "arguments", "env", "vars", "check_interval", "retry_interval",
    "max_check_attempts", "check_timeout", "event_command", "enable_active_checks", "enable_passive_checks", "enable_notifications", "enable_event_handler", "enable_flapping", "groups", "host_name",
    "service_name", "users", "user_groups", "types", "states", "period", "interval", "notes", "notes_url", "action_url", "parent", "endpoints", "global", "host", "port", "permissions",
    "client_cn", "ranges",
}  # fmt: skip
"""Attributes that configuration gives, of all kinds."""
ADDRESS_TYPE = "modules/monitoring/types/address.pp"
QUOTE = "modules/monitoring/lib/puppet/functions/monitoring/quote.rb"
CARE = ('gsub(/["', "gsub(/[")
"""Where it escapes quotation marks, and how it would not."""

Objects = dict[str, dict[str, dict[str, Any]]]


def hostile(value: Any) -> st.SearchStrategy[Any]:
    """The same facts with attacks for some of the texts, and under some keys that were not there."""
    if isinstance(value, dict):
        more = st.dictionaries(texts.map(lambda key: key[:200]), texts, max_size=1)
        return st.builds(lambda known, others: others | known, st.fixed_dictionaries({key: hostile(item) for key, item in value.items()}), more)
    if isinstance(value, list):
        return st.tuples(*map(hostile, value)).map(list)
    return st.one_of(st.just(value), texts) if isinstance(value, str) else st.just(value)


def objects(lab: LiveLab) -> Objects:
    """Icinga's objects by type and name, with what configuration says of each."""
    return {
        kind: {one["name"]: {key: value for key, value in one["attrs"].items() if key in CONFIGURED} for one in icinga_api.get(lab.api(), f"/v1/objects/{kind}")} for kind in KINDS
    }


def shows(lab: LiveLab, test: Callable[[Objects], bool]) -> bool:
    """Whether Icinga answers, and its objects are so."""
    try:
        return test(objects(lab))
    except WatchpostError:
        return False


def collect(lab: LiveLab, server: Machine, monitor: Machine, environment: str = "production") -> puppet_run.PuppetRun:
    """The monitor's own Puppet run, once all is stored."""
    puppet_server.wait_stored(server)
    return puppet_run.run_puppet(monitor, puppet_run.agent_argv(lab.puppet.name, monitor.name, environment))


@contextmanager
def without_addresses(server: Machine, names: Mapping[str, Any]) -> Iterator[None]:
    """The lab's data meanwhile knows no address of these hosts."""
    path = f"{LAB_DATA}/lab.yaml"
    kept = server.run(["cat", path]).stdout
    data = yaml.safe_load(kept)
    data["lab::hosts"] = {name: address for name, address in data["lab::hosts"].items() if name not in names}
    try:
        server.write(path, yaml.safe_dump(data), mode="0640", owner="root:puppet")
        yield
    finally:
        server.write(path, kept, mode="0640", owner="root:puppet")


@contextmanager
def careless(server: Machine) -> Iterator[str]:
    """An environment on the Puppet server that takes any text for an address, and leaves quotation marks in texts as they are. Hosts run in it meanwhile."""
    name = f"careless_{time.time():.0f}"  # the server would keep one of the same name as it was
    place = f"{Path(ENVIRONMENT).parent}/{name}"
    try:
        server.run(["cp", "--archive", ENVIRONMENT, place])
        quote = server.run(["cat", f"{place}/{QUOTE}"]).stdout
        assert quote.count(CARE[0]) == 1
        server.write(f"{place}/{QUOTE}", quote.replace(*CARE), mode="0644", owner="root:root")
        server.write(f"{place}/{ADDRESS_TYPE}", "type Monitoring::Address = String[1]\n", mode="0644", owner="root:root")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(puppet, "ENVIRONMENT", name)
            yield name
    finally:
        server.run(["rm", "-rf", place])


@pytest.mark.requirement("THREAT-A1")
def test_a1_hostile_facts_become_no_object_and_start_nothing(lab: LiveLab, tmp_path: Path, record_property: Any) -> None:
    """The control: with careless code from the Puppet server, one of the same facts becomes two objects by the same way."""
    now, server, monitor = datetime.now(UTC), lab.machine("puppet"), lab.machine("monitor")
    facts = {host.certname: dict(fleet.facts(host, now, fleet.address(host, lab.lab.network))) for host in fleet.fleet(HOSTS)[:ATTACKERS]}
    for name in facts:
        shutil.copytree(lab.identities / name, tmp_path / name)
    first, *waiting = facts
    before, down = objects(lab), icinga_api.status(lab.api()).hosts["down"]
    claimed: dict[str, Any] = {}
    refused: list[str] = []

    def run(name: str, attack: dict[str, Any], claim: Any) -> None:
        """A host's Puppet run that says this of itself, and its address is that."""
        agents.run_agent(lab.puppet, name, attack | {"networking": attack["networking"] | {"ip": claim}}, tmp_path)

    @settings(max_examples=ATTACKERS, derandomize=True, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(hostile(facts[first]), claims)
    def attack(said: dict[str, Any], claim: Any) -> None:
        """The next host says this. It may say the first one's name: names come from certificates."""
        if not waiting:
            return
        name = waiting.pop()
        honest = said | {"os": said["os"] | {"distro": facts[name]["os"]["distro"]}}
        for attempt in (said, honest):  # a release that is none is refused at once, and the rest would not be looked at
            try:
                run(name, attempt, claim)
                claimed[name] = claim
                break
            except WatchpostError as error:
                refused.append(f"{name}: {error.what[:80]}")

    def expected() -> Objects:
        """The same, but for the address of each host whose facts were taken: its own, or none."""
        own = {name: before["hosts"][name] | {"address": claim if claim in HERE else ""} for name, claim in claimed.items()}
        return before | {"hosts": before["hosts"] | own}

    try:
        with without_addresses(server, facts):
            with resisting(lab, "puppet", "puppetserver.service"), resisting(lab, "monitor", "icinga2.service"):
                attack()
                run(first, facts[first], INJECTED)
                claimed[first] = INJECTED
                assert collect(lab, server, monitor).failed == 0
                wait_until(lambda: shows(lab, lambda found: found["hosts"][first]["address"] == ""), reason="Icinga has what was collected", deadline_s=60)
                assert objects(lab) == expected()
            with careless(server) as environment:
                run(first, facts[first], INJECTED)
                collect(lab, server, monitor, environment)
                wait_until(lambda: shows(lab, lambda found: MADE in found["hosts"] and MADE in found["checkcommands"]), reason="the control: the fact has become two objects", deadline_s=60)
    finally:
        agents.run_agents(lab.puppet, facts, tmp_path)
        collect(lab, server, monitor)
        server.close()
        monitor.close()
    wait_until(lambda: shows(lab, lambda found: found == before), reason="all is as it was", deadline_s=60)
    wait_until(lambda: icinga_api.status(lab.api()).hosts["down"] <= down, reason="no host is down for it any more", deadline_s=150)
    assert len(claimed) > ATTACKERS // 2, f"too few hosts' facts came through: {refused}"
    counted = sum(map(len, before.values()))
    record_property("evidence", f"hostile facts of {ATTACKERS} hosts, of {len(claimed)} taken, {len(refused)} times refused: the same {counted} objects but for their own addresses, nothing of theirs started; with careless code two objects")

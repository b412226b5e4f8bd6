"""Every role's catalog, some for every release, compiled in one process; what it exports, and what the monitor makes of it."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from puppet_fixtures import example_lab
from puppet_fixtures.compiling import CONTROL_REPO, Catalog, CompileError, Node, compile_catalogs
from puppet_fixtures.example_lab import AT, NETWORK
from puppet_fixtures.fleet import ROLES, SimulatedHost, address, facts, fleet, releases

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
ALL_SYSTEMS = {"agent", "disk", "memory", "puppet", "apt", "systemd"}
BUILT_IN = {"File", "Package", "Service", "User", "Group", "Exec"}

# What the source text asks of each service: the titles of its checks with their priorities.
ASKED: dict[str, dict[str, str]] = {
    "apt_repository": {"apt-stable": "critical", "apt-frozen": "critical"},
    "bitcoind": {"bitcoind-height": "medium"},
    "bittorrent": {"seeding": "low"},
    "gitolite": {"git-git": "medium", "git-ssh": "medium"},
    "git_annex": {"tor-browser-archive": "high"},
    "jenkins": {"jenkins": "critical", "jenkins-certificate": "medium"},
    "nightly_builds": {"nightly-builds": "critical"},
    "rsync": {"rsync": "critical"},
    "test_suite": {"test-suite-ssh": "high", "test-suite-sftp": "high"},
    "website": {"website": "critical", "website-certificate": "critical"},
    "whisperback": {"smtp": "high", "mail-relay": "medium"},
    "xmpp": {"xmpp": "medium"},
}


def hosts() -> tuple[SimulatedHost, ...]:
    """Every role once on Debian stable, some on every release: releases differ in what all roles have in common, which a test below holds."""
    dozen = fleet(12)
    return tuple(
        host.model_copy(update={"codename": codename, "number": 12 * step + host.number, "certname": f"{codename}-{host.certname}"})
        for step, codename in enumerate(releases())
        for host in (dozen if codename == "trixie" else dozen[:SOME])
    )


SOME = 3


PADDED = tuple(host for host in fleet(12) if host.role in ("bitcoind", "website"))
"""One whose role gives its agent six checks, one with five; and how many they are asked for."""
PUSHED = {"website": (1, 5, 20), "bitcoind": (6, 7, 150)}
COMPRESS = 45
"""More than some retry_s are long."""
HOSTILE_FACTS = ['10.0.0.1"', "10.0.0.1\n}", "$host.name$", "10.0.0.999", "::1%x", "", "-:x", "999.1.1.1"]
CLAIMED = {f"agent-{number}.lab.test": value for number, value in enumerate([*HOSTILE_FACTS, "10.9.0.77", "2001:db8::1"])}
"""Nodes that the lab's data gives no address, and what they say theirs is."""


CLIMBING = "climbing.lab.test"
"""A node that names, for its release, the way to another node's data."""


MANIFEST = f"""if $trusted['certname'] =~ /\\Aagent-/ {{
include monitoring
}} else {{
{(CONTROL_REPO / "manifests/site.pp").read_text(encoding="utf-8")}
}}
"""
"""The lab's own, but for the nodes of which only the address counts."""


def compile_nodes() -> dict[str, Catalog | CompileError]:
    """All nodes of this file but the collecting ones."""
    members = hosts()
    nodes = [example_lab.host_node(host) for host in members]
    nodes.append(Node("fleet.lab.test", {"role": "fleet"}, nodes[-1].facts))
    for name, value in CLAIMED.items():
        reported = facts(members[0], AT) | {"networking": {"ip": value, "fqdn": 'x"'}, "hostname": '"\n}'}
        nodes.append(Node(name, {"role": "xmpp"}, reported))
    climbs = facts(members[0], AT)
    climbs["os"]["distro"]["codename"] = "../../../../../lab/nodes/monitor.lab.test"
    nodes.append(Node(CLIMBING, {"role": "xmpp"}, climbs))
    # in the whole manifest, after the role
    nodes += [replace(example_lab.host_node(host, count), certname=f"with-{count}-{host.certname}") for host in PADDED for count in PUSHED[host.role]]
    nodes += [replace(example_lab.host_node(host, compress=COMPRESS), certname=f"hurried-{host.certname}") for host in PADDED]
    return compile_catalogs(nodes, example_lab.lab(members), manifest=MANIFEST)


@cache
def early() -> tuple[Future[dict[str, Catalog | CompileError]], Future[dict[str, Catalog | CompileError]]]:
    """Ruby at work beside other tests: all nodes, and then the collecting ones, which want what those export. Started by conftest."""
    with_threads = ThreadPoolExecutor(1)
    return with_threads.submit(compile_nodes), with_threads.submit(collect_all)


def compiled() -> dict[str, Catalog | CompileError]:
    return early()[0].result()


def catalog(certname: str) -> Catalog:
    found = compiled()[certname]
    assert isinstance(found, Catalog), f"{certname}: {found}"
    return found


@pytest.mark.parametrize("host", hosts(), ids=lambda host: str(host.certname))
def test_a_host_declares_its_service_and_its_checks(host: SimulatedHost) -> None:
    mine = catalog(host.certname)
    ordinary = [it for it in mine.resources if it["type"] in BUILT_IN and "/watchpost.d/services" not in it["title"]]
    assert len(ordinary) >= 300
    services = {it["parameters"]["service"]: it["parameters"] for it in mine.exported if it["type"] == "Monitoring::Collected::Service"}
    assert set(services) == ALL_SYSTEMS | set(ASKED[host.role])
    assert {title: services[title]["priority"] for title in ASKED[host.role]} == ASKED[host.role]
    hosts_exported = [it["parameters"] for it in mine.exported if it["type"] == "Monitoring::Collected::Host"]
    assert [(it["host"], it["address"], it["role"]) for it in hosts_exported] == [(host.certname, str(address(host, NETWORK)), host.role)]
    # One declaration serves both: every check that the agent runs is also in the agent's own configuration.
    files = {title for title in mine.of_type("File") if "/watchpost.d/services/" in title}
    assert files == {f"/etc/icinga2/watchpost.d/services/{title}.conf" for title, it in services.items() if it["runs_on"] == "agent"}


def test_releases_differ_in_what_all_roles_have_in_common() -> None:
    """Then one role on a release shows what there is of it. A class of a role that asks which release it is would be in the way."""
    common = ("profile::base::", "profile::ssh_server::")
    for path in (CONTROL_REPO / "data/releases").glob("*.yaml"):
        assert all(key.startswith(common) for key in yaml.safe_load(path.read_text(encoding="utf-8"))), path
    for top in ("site", "modules"):
        asking = [path for path in (CONTROL_REPO / top).rglob("*.pp") if re.search(r"\$facts\['os'\]|\$os\b|codename|operatingsystem", path.read_text(encoding="utf-8"))]
        assert not asking


@pytest.mark.parametrize(("host", "count"), [(host, count) for host in PADDED for count in PUSHED[host.role]], ids=lambda it: str(getattr(it, "role", it)))
def test_a_host_pushes_as_many_services_as_it_is_asked_for(host: SimulatedHost, count: int) -> None:
    """What its role gives it stays, the rest is added: exported, and in the agent's own configuration."""
    mine = catalog(f"with-{count}-{host.certname}")
    pushed = {title for title, it in mine.of_type("Monitoring::Check").items() if it["runs_on"] == "agent"}
    own = {title for title, it in catalog(f"trixie-{host.certname}").of_type("Monitoring::Check").items() if it["runs_on"] == "agent"}
    assert own <= pushed and len(pushed) == max(count, len(own))
    services = {it["parameters"]["service"]: it["parameters"] for it in mine.exported if it["type"] == "Monitoring::Collected::Service"}
    assert {title for title, it in services.items() if it["runs_on"] == "agent"} == pushed
    assert {f"/etc/icinga2/watchpost.d/services/{title}.conf" for title in pushed} <= set(mine.of_type("File"))
    assert not [title for title in pushed - own if "%d" in str(services[title]["vars"])]


@pytest.mark.parametrize("host", PADDED, ids=lambda host: str(host.role))
def test_a_rehearsal_divides_every_interval_and_leaves_a_second(host: SimulatedHost) -> None:
    plain, hurried = ([it["parameters"] for it in catalog(name).exported if "interval_s" in it["parameters"]] for name in (f"trixie-{host.certname}", f"hurried-{host.certname}"))
    assert len(plain) == len(hurried) > 5
    for name in ("interval_s", "retry_s"):
        assert [it[name] for it in hurried] == [max(1, it[name] // COMPRESS) for it in plain]
    assert 1 in [it["retry_s"] for it in hurried]
    files = {title: it["content"] for title, it in catalog(f"hurried-{host.certname}").of_type("File").items() if "/watchpost.d/services/" in title}
    assert {f"  check_interval = {it['interval_s']}" for it in hurried if it["runs_on"] == "agent"} == {line for text in files.values() for line in text.splitlines() if "check_interval" in line}


def test_every_role_is_asked_for() -> None:
    assert set(ASKED) == set(ROLES)


def test_the_fleet_offers_every_service_and_exports_nothing() -> None:
    mine = catalog("fleet.lab.test")
    assert not mine.exported
    running = {"ssh", "nginx", "git-daemon", "rsync", "postfix", "mail-sink", "prosody", "transmission-daemon", "bitcoind-mock", "jenkins-mock"}
    assert running <= set(mine.of_type("Service"))
    assert not [title for title in mine.of_type("File") if "icinga2" in title]


def test_every_check_command_exists() -> None:
    own = {path.stem for path in Path("puppet_fixtures/modules/monitoring/files/commands").glob("*.conf")}
    packaged = {"cluster-zone", "disk", "http", "ssh", "smtp", "procs", "tcp", "file_age", "load", "ntp_time", "swap"}
    used = {it["parameters"]["command"] for name in compiled() if name != CLIMBING for it in catalog(name).exported if it["type"] == "Monitoring::Collected::Service"}
    assert used - packaged <= own


def rows(*certnames: str) -> list[dict[str, Any]]:
    """What PuppetDB would answer for these hosts."""
    return [
        {"certname": name, "type": it["type"], "title": it["title"], "parameters": it["parameters"]}
        for name in certnames
        for it in catalog(name).exported
    ]


def service(certname: str, **change: Any) -> dict[str, Any]:
    """One more exported service of a host."""
    model = next(it["parameters"] for it in catalog(certname).exported if it["type"] == "Monitoring::Collected::Service")
    return {"certname": certname, "type": "Monitoring::Collected::Service", "title": "one more", "parameters": model | {"service": "zz-more"} | change}


A, B, C = (host.certname for host in hosts()[:3])
GOLDEN_HOST = next(host.certname for host in hosts() if host.role == "rsync" and host.codename == "trixie")
LIMIT = 20
BROKEN: dict[str, dict[str, Any]] = {
    "quote-in-name": {"service": 'x" {}\nobject CheckCommand "evil'},
    "path-in-name": {"service": "../../escape"},
    "quote-in-command": {"command": 'x"'},
    "variable-name": {"vars": {'a = "b"\nobject': 1}},
    "text-for-number": {"interval_s": "60"},
    "wrong-word": {"runs_on": "everywhere"},
    "word-of-another-type": {"priority": "disk"},
    "no-variables": {"vars": None},
    "often-what": {"often": {"window_s": 60, "warning": 1, "critical": "2"}},
    "too-long": {"runs_on": "monitor", "vars": {"a": "x" * 20000}},
}


def answers() -> dict[str, list[dict[str, Any]]]:
    """PuppetDB's answer in each case; all cases are compiled in one process, a monitor each."""
    return {
        "golden": rows(GOLDEN_HOST),
        "alone": rows(A),
        "two": rows(A, B),
        "three-backwards": rows(C, B, A)[::-1],
        "one-more": [*rows(A), service(A)],
        "often": [*rows(A), service(A, often={"window_s": 3600, "warning": 2, "critical": 4})],
        "flood": rows(A, B) + [service(B, service=f"s{number}") for number in range(50)],
        "liar": rows(A) + [row | {"parameters": row["parameters"] | {"host": A}} for row in rows(B)],
        "strange-certname": rows(A) + [row | {"certname": "../../etc/cron.d/x"} for row in rows(A)],
        "twice": rows(A, B) + [service(B), service(B)],
        "clash": rows(A, B) + [service(B, often={"window_s": 3600, "warning": 2, "critical": 4}), service(B, service="zz-more-often")],
    } | {f"broken-{name}": [*rows(A, B), service(B, **change)] for name, change in BROKEN.items()}


REALISING = "realising.lab.test"
NOBODYS = "nobodys-duty.lab.test"
"""Where every person is in charge of some roles only."""


def collect_all() -> dict[str, Catalog | CompileError]:
    """A collecting node for each case, and one that realises what A exports."""
    asked = {f"{name}.lab.test": answer for name, answer in answers().items()} | {REALISING: rows(A)}
    # The usual way, a define for each object.
    declared = "".join(
        f"{row['type'].lower()} {{ '{row['parameters'].get('service', 'host')}': * => $rows[{number}]['parameters'] - ['tag'] }}\n"
        for number, row in enumerate(rows(A))
    )
    manifest = f"""if $trusted['certname'] == '{REALISING}' {{
class {{ 'monitoring::collector': mode => 'realise' }}
$rows = puppetdb_query('')
{declared}
}} elsif $trusted['certname'] == '{NOBODYS}' {{
class {{ 'notifier': people => {{ 'web-team' => {{ 'address' => 'web@example.org', 'roles' => ['website'] }} }} }}
}} else {{
include monitoring::collector
}}
"""
    own = {"role": "collector", "monitoring::collector::max_objects_per_host": LIMIT}
    nodes = [Node(name, own, facts(hosts()[0], AT), rows=answer) for name, answer in (asked | {NOBODYS: []}).items()]
    return compile_catalogs(nodes, example_lab.lab(hosts()), manifest=manifest)


@cache
def collected() -> dict[str, tuple[dict[str, str], list[str]]]:
    """For each case the monitor's files by name, and which of them say that their host is refused."""
    return {name.removesuffix(".lab.test"): _files(name, answer) for name, answer in early()[1].result().items() if name not in (REALISING, NOBODYS)}


def _files(name: str, answer: Catalog | CompileError) -> tuple[dict[str, str], list[str]]:
    assert isinstance(answer, Catalog), f"{name}: {answer}"
    prefix = "/etc/icinga2/watchpost.d/hosts/"
    files = {title.removeprefix(prefix): it.get("content", "") for title, it in answer.of_type("File").items() if title.startswith(prefix)}
    return files, [title for title, text in files.items() if '"exported-resources"' in text]


def test_the_monitors_configuration_of_one_host_is_the_golden_one() -> None:
    files, refused = collected()["golden"]
    assert (list(files), refused) == ([f"{GOLDEN_HOST}.conf"], [])
    assert files[f"{GOLDEN_HOST}.conf"] == (GOLDEN / "collected-host.conf").read_text(encoding="utf-8")


def test_order_of_rows_changes_nothing_and_a_host_more_changes_no_other_file() -> None:
    files, more = collected()["two"][0], collected()["three-backwards"][0]
    assert {name: more[name] for name in files} == files
    assert set(more) - set(files) == {f"{C}.conf"}


def test_one_check_more_adds_exactly_its_own_lines() -> None:
    old, new = (collected()[case][0][f"{A}.conf"] for case in ("alone", "one-more"))
    assert new.startswith(old)
    assert re.findall(r'^object (\w+) "([^"]+)"', new.removeprefix(old), re.MULTILINE) == [("Service", "zz-more")]


def test_a_check_whose_failures_are_counted_adds_a_second_one() -> None:
    old, new = (collected()[case][0][f"{A}.conf"] for case in ("one-more", "often"))
    assert new.startswith(old)
    assert re.findall(r'^object (\w+) "([^"]+)"', new.removeprefix(old), re.MULTILINE) == [("Service", "zz-more-often")]
    assert '  check_command = "failure_frequency"\n' in new and "  vars.failure_frequency_window_s = 3600\n" in new
    often = [it["parameters"]["often"] for it in catalog(next(host.certname for host in hosts() if host.role == "website")).exported if it["parameters"].get("service") == "website"]
    assert often == [{"window_s": 604800, "warning": 5, "critical": 10}]


def test_a_host_that_exports_too_much_is_refused_by_name_and_stays_visible() -> None:
    files, refused = collected()["flood"]
    assert refused == [f"{B}.conf"]
    assert f"{B} is refused: " in files[f"{B}.conf"] and f"more than {LIMIT}" in files[f"{B}.conf"]
    assert f'object Host "{B}"' in files[f"{B}.conf"]
    assert files[f"{A}.conf"] == collected()["alone"][0][f"{A}.conf"]


@pytest.mark.parametrize("case", [*(f"broken-{name}" for name in BROKEN), "twice", "clash"])
def test_a_host_whose_resource_breaks_a_rule_is_refused_and_others_are_not(case: str) -> None:
    files, refused = collected()[case]
    assert refused == [f"{B}.conf"]
    assert set(files) == {f"{A}.conf", f"{B}.conf"}
    # Control: the same two hosts without the broken resource are both taken.
    assert collected()["two"][1] == []


def test_what_a_row_says_of_its_host_is_ignored() -> None:
    assert collected()["liar"] == collected()["two"]


def test_a_certname_that_is_none_gets_no_file() -> None:
    assert list(collected()["strange-certname"][0]) == [f"{A}.conf"]


def test_realised_files_together_are_the_queried_file() -> None:
    """The usual way, a define for each object, writes the same objects as one query does."""
    realised, _ = _files(REALISING, early()[1].result()[REALISING])
    contents = {name: text for name, text in realised.items() if text}
    assert set(contents) == {f"{A}/host.conf"} | {f"{A}/{it['parameters']['service']}.service.conf" for it in rows(A) if "service" in it["parameters"]}
    queried = collected()["alone"][0][f"{A}.conf"].split("\n\n", 1)[1]
    services = [contents[name] for name in sorted(contents) if name.endswith(".service.conf")]
    assert "\n".join([contents[f"{A}/host.conf"], *services]) == queried


def test_a_fact_becomes_an_address_only_if_it_is_one() -> None:
    found = {}
    for name, value in CLAIMED.items():
        (host,) = (it["parameters"] for it in catalog(name).exported if it["type"] == "Monitoring::Collected::Host")
        assert host["host"] == name
        found[value] = host.get("address")
    assert found == dict.fromkeys(HOSTILE_FACTS) | {"10.9.0.77": "10.9.0.77", "2001:db8::1": "2001:db8::1"}


def test_a_fact_leads_to_no_other_nodes_data() -> None:
    """The control: the same facts with a release that is one are those of a host whose catalog compiles."""
    found = compiled()[CLIMBING]
    assert isinstance(found, CompileError) and "a Debian release that is none" in str(found)
    assert catalog(hosts()[0].certname).resources


def test_a_host_that_is_nobodys_duty_does_not_compile() -> None:
    found = early()[1].result()[NOBODYS]
    assert isinstance(found, CompileError) and "nobody's duty" in str(found)

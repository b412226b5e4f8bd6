"""The public overview (UI-3): pushed to a web server elsewhere, true, without scripts, by an account that can read states and nothing more."""

from __future__ import annotations

import random
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import yaml

from provision import icinga_api
from provision.protocol.icinga import State
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role, service
from tests.acceptance.speaker import speaking
from vm.drivers import container
from vm.wait import wait_until

USER = "watchpost-overview"
WORDS = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}


@pytest.fixture(scope="module")
def overview(lab: LiveLab) -> Iterator[LiveLab]:
    """The lab with an overview that goes to the fleet's web server; nothing of it stays."""
    server, monitor = lab.machine("puppet"), lab.machine("monitor")
    data = f"/etc/puppet/lab/nodes/{lab.web_name}.yaml"
    kept = server.run(["cat", data]).stdout

    def become(text: str) -> None:
        server.write(data, text, mode="0640", owner="root:puppet")
        lab.run_puppet(monitor)

    target = {"host": lab.lab.fqdn("fleet"), "user": "overview", "path": "/public/index.html"}
    try:
        host_key = " ".join(lab.store.ssh_key("ssh-host-fleet")[1].split()[:2])
        here = {"profile::monitor::overview::target": target, "profile::monitor::overview::host_key": host_key}
        become(yaml.safe_dump(yaml.safe_load(kept) | here))
        yield lab
    finally:
        become(kept)
        left = monitor.run(["sh", "-c", f"ls -d /etc/{USER} /usr/local/lib/watchpost/overview /etc/systemd/system/{USER}.* 2>/dev/null"], check=False).stdout
        server.close()
        monitor.close()
    assert left == "", "without a target nothing of it is there"


def read(lab: LiveLab) -> Element:
    """The page as anybody reads it, from the other machine."""
    asked = urllib.request.Request(f"http://{lab.lab.address('fleet')}/", headers={"Host": f"overview.{lab.lab.domain}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return ElementTree.fromstring(answer.read())


def made_at(document: Element) -> float:
    """When the states in it were read, seconds since 1970."""
    (found,) = document.iter("time")
    return datetime.fromisoformat(found.attrib["datetime"]).timestamp()


def fresh(lab: LiveLab) -> Element:
    """A page that is made now, as the timer does each minute."""
    since = time.time()
    container.inside(lab.lab, "monitor", ["systemctl", "start", f"{USER}.service"])
    document = read(lab)
    assert made_at(document) >= int(since)
    return document


def states(document: Element) -> dict[tuple[str, str], str]:
    """Each service's state by host and name."""
    found = {}
    for details in document.iter("details"):
        for row in details.iter("tr"):
            cells = ["".join(cell.itertext()) for cell in row.iter("td")]
            if cells:
                found[details.findtext("summary", ""), cells[1]] = cells[0].split(",")[0]
    return found


@pytest.mark.requirement("UI-3")
def test_ui3_the_page_says_what_icinga_says(overview: LiveLab, record_property: Any) -> None:
    host = of_role(overview, "rsync")
    with speaking(overview, host) as (speaker, titles):
        speaker.say(titles[0], State.CRITICAL, "the password is swordfish")
        wait_until(lambda: service(overview, host, titles[0])["state"] == 2, reason="Icinga has the result", deadline_s=10)
        time.sleep(6)  # until Icinga DB has it
        document = fresh(overview)
        said = states(document)
        assert said[host, titles[0]] == "critical"
        speaker.say(titles[0], State.OK, "mended")
    assert "swordfish" not in "".join(document.itertext()), "no word of a check is in it"
    assert not list(document.iter("script"))
    assert not [value for element in document.iter() for name, value in element.attrib.items() if name in ("src", "href") or name.startswith("on")]
    found = {(one["attrs"]["host_name"], one["attrs"]["name"]): one["attrs"] for one in icinga_api.get(overview.api(), "/v1/objects/services?attrs=name&attrs=host_name&attrs=state&attrs=last_state_change")}
    assert set(said) == set(found), "each service is there once"
    steady = [name for name, one in sorted(found.items()) if float(str(one["last_state_change"])) < made_at(document) - 30]
    some = random.Random(1).sample(steady, 50)
    assert {name: said[name] for name in some} == {name: WORDS[int(found[name]["state"])] for name in some}
    assert "active" in container.inside(overview.lab, "monitor", ["systemctl", "is-active", f"{USER}.timer"])
    record_property("evidence", f"{len(said)} services, 50 compared with Icinga's API, no script, {len(ElementTree.tostring(document)) / 1024:.0f} KiB, pushed by SFTP")


@pytest.mark.requirement("UI-3")
@pytest.mark.parametrize("sql", ["UPDATE host SET name = 'x'", "INSERT INTO service_state (id) VALUES ('')", "SELECT output FROM service_state", "SELECT * FROM comment", "CREATE TABLE t (n int)"])
def test_ui3_its_account_reads_states_and_nothing_more(overview: LiveLab, sql: str, record_property: Any) -> None:
    def ask(words: str) -> str:
        argv = ["runuser", "-u", USER, "--", "psql", "--host=/var/run/postgresql", "--no-psqlrc", "-At", "--set=VERBOSITY=verbose", "--dbname=icingadb", "--command", words]
        return container.inside(overview.lab, "monitor", ["sh", "-c", '"$@" 2>&1 || true', "sh", *argv])

    assert int(ask("SELECT count(*) FROM host")) == len(overview.hosts)
    assert "42501" in ask(sql)
    record_property("evidence", f"{sql}: refused for want of privilege (42501), where it counts {len(overview.hosts)} hosts")


@pytest.mark.requirement("UI-3")
def test_ui3_its_key_opens_no_shell_and_its_account_no_secret(overview: LiveLab, record_property: Any) -> None:
    fleet = overview.lab.fqdn("fleet")
    place = f"/etc/{USER}"
    common = ["runuser", "-u", USER, "--"]
    options = ["-F", "/dev/null", "-oBatchMode=yes", f"-oUserKnownHostsFile={place}/known_hosts", f"-oIdentityFile={place}/key"]

    def inside(line: list[str]) -> str:
        return container.inside(overview.lab, "monitor", ["sh", "-c", '"$@" </dev/null 2>&1; echo "exit $?"', "sh", *common, *line])

    assert "exit 0" in inside(["sftp", *options, "-b", "/dev/null", f"overview@{fleet}"]), "the control: it takes files"
    assert "uid=" not in inside(["ssh", *options, f"overview@{fleet}", "id"])
    assert "Permission denied" in inside(["ssh", *options, f"root@{fleet}", "id"])
    for path in ("/etc/icingaweb2/resources.ini", "/etc/icinga2/features-enabled/icingadb.conf", "/etc/icingadb/config.yml"):
        assert "Permission denied" in inside(["cat", path]), path
    record_property("evidence", "its key opens SFTP, and neither a shell nor root; its account may not read the passwords of Icinga, Icinga DB and Icinga Web")

"""Each check of a service, with its priority, against the real service: good, then broken for real, then mended; Icinga is seen to turn each time.

It is asked to check at once: by a right that it grants for these tests alone, to the certificate of one simulated host.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from provision import icinga_api
from provision.enrolment import identity
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role, reloaded, service
from tests.acceptance.mails import awaited
from vm.wait import wait_until

Command = tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """How a check's service is broken and mended on the fleet. intact: another check that has to stay good meanwhile; says: what the broken one's output has."""

    service: str
    role: str
    priority: str
    breaks: tuple[Command, ...]
    mends: tuple[Command, ...]
    intact: str = ""
    says: str = ""


def away(path: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """A file or directory that is moved away and back."""
    return (("mv", path, f"{path}.away"),), (("mv", f"{path}.away", path),)


def stopped(unit: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """A unit that is stopped and started."""
    return (("systemctl", "stop", unit),), (("systemctl", "start", unit),)


JENKINS = "/usr/local/sbin/jenkins-mock"
INDEX = "/srv/website/index.html"


def rewritten(path: str, old: str, new: str, *then: Command) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """Words of a file that are other ones for a while."""
    return (("sed", "-i", f"s/{old}/{new}/", path), *then), (("sed", "-i", f"s/{new}/{old}/", path), *then)


def signed_by_another(suite: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """A suite's InRelease with the same words and another key's signature."""
    kept, home = f"{suite}/InRelease", "/root/another-key"
    gpg = ("gpg", "--homedir", home, "--batch", "--quiet")
    breaks = (
        ("mkdir", "--mode=700", home), (*gpg, "--passphrase", "", "--quick-generate-key", "another", "ed25519", "sign", "0"),
        ("mv", kept, f"{kept}.away"), (*gpg, "--output", kept, "--clear-sign", f"{suite}/Release"),
    )  # fmt: skip
    return breaks, (("mv", f"{kept}.away", kept), ("gpgconf", "--homedir", home, "--kill", "all"), ("rm", "-rf", home))


def expiring(name: str, days: int) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """A certificate of the web server with the same key and a few days to go."""
    key, certificate, reload = f"/etc/ssl/site/{name}.key", f"/etc/ssl/site/{name}.pem", ("systemctl", "reload", "nginx")
    make = ("openssl", "req", "-x509", "-key", key, "-days", str(days), "-subj", "/CN=*.lab.test", "-addext", "subjectAltName=DNS:*.lab.test", "-out", certificate)
    return (("mv", certificate, f"{certificate}.away"), make, reload), (("mv", f"{certificate}.away", certificate), reload)


def with_a_shell(account: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """An account that is no longer in its jail; SFTP works as before."""
    settings, reload = f"/etc/ssh/sshd_config.d/60-{account}.conf", ("systemctl", "reload", "ssh")
    loosened = ("sed", "--in-place=.away", "--expression=/ForceCommand/d", "--expression=/ChrootDirectory/d", settings)
    return (loosened, ("usermod", "--shell", "/bin/sh", account), reload), (("mv", f"{settings}.away", settings), ("usermod", "--shell", "/usr/sbin/nologin", account), reload)


def held(setting: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """Postfix takes mail and keeps it."""
    path, reload = "/etc/postfix/main.cf", ("systemctl", "reload", "postfix")
    return (("cp", "--archive", path, f"{path}.away"), ("postconf", setting), reload), (("mv", f"{path}.away", path), reload, ("postsuper", "-H", "ALL"))


CASES = {
    "CHECK-APT-1": Broken("apt-stable", "apt-repository", "critical", *away("/srv/apt-repository/dists/stable/InRelease"), intact="apt-frozen"),
    "CHECK-APT-1 by another key": Broken("apt-stable", "apt-repository", "critical", *signed_by_another("/srv/apt-repository/dists/stable"), intact="apt-frozen", says="signature is not good"),
    "CHECK-APT-2": Broken("apt-frozen", "apt-repository", "critical", *away("/srv/apt-repository/dists/frozen"), intact="apt-stable"),
    "CHECK-BT-1": Broken("seeding", "bittorrent", "low", *stopped("transmission-daemon")),
    "CHECK-GIT-1": Broken("git-git", "gitolite", "medium", *stopped("git-daemon"), intact="git-ssh"),
    "CHECK-GIT-1 by SSH": Broken("git-ssh", "gitolite", "medium", *away("/var/lib/gitolite3/repositories/testing.git")),
    "CHECK-ANNEX-1": Broken("tor-browser-archive", "git-annex", "high", *away("/srv/annex/tor-browser")),
    "CHECK-JENKINS-1": Broken("jenkins", "jenkins", "critical", *rewritten(JENKINS, "answer(403", "answer(200", ("systemctl", "restart", "jenkins-mock"))),
    "CHECK-JENKINS-1 certificate": Broken("jenkins-certificate", "jenkins", "medium", *expiring("http_server", 10), intact="jenkins", says="expire"),
    "CHECK-NIGHTLY-1": Broken("nightly-builds", "nightly-builds", "critical", *away("/srv/nightly/stable")),
    "CHECK-RSYNC-1": Broken("rsync", "rsync", "critical", *away("/srv/rsync/archive/old")),
    "CHECK-TEST-2": Broken("test-suite-sftp", "test-suite", "high", *away("/srv/sftp-test/README"), intact="test-suite-ssh"),
    "CHECK-TEST-2 with a shell": Broken("test-suite-sftp", "test-suite", "high", *with_a_shell("sftp-test"), says="gets a shell"),
    "CHECK-WEB-1": Broken("website", "website", "critical", *rewritten(INDEX, "Welcome to the project", "Out of order")),
    "CHECK-WEB-1 certificate": Broken("website-certificate", "website", "critical", *expiring("http_server", 10), intact="website", says="expire"),
    "CHECK-WB-1": Broken("smtp", "whisperback", "high", *stopped("postfix")),
    "CHECK-WB-2": Broken("mail-relay", "whisperback", "medium", *held("smtpd_end_of_data_restrictions=check_client_access static:HOLD"), intact="smtp", says="has not arrived"),
    "CHECK-XMPP-1": Broken(
        "xmpp", "xmpp", "medium", (("systemctl", "kill", "--signal=STOP", "prosody"),), (("systemctl", "kill", "--signal=CONT", "prosody"),)
    ),
}


def attributes(lab: LiveLab) -> dict[tuple[str, str], dict[str, Any]]:
    """What Icinga has of each service, by host and name."""
    wanted = "&".join(f"attrs={name}" for name in ("name", "host_name", "last_check_result", "vars", "state"))
    found = [one["attrs"] for one in icinga_api.get(lab.api(), f"/v1/objects/services?{wanted}")]
    return {(one["host_name"], one["name"]): one for one in found}


@pytest.fixture(scope="module")
def icinga(lab: LiveLab) -> Iterator[Asked]:
    """Icinga with the right to ask it for a check."""
    host = lab.hosts[0]
    mine = identity(lab.identities, host)
    access = lab.api().model_copy(update={"certificate": mine.certificate, "key": mine.key})
    user = f'object ApiUser "check-now" {{ client_cn = "{host}"; permissions = [ "actions/reschedule-check" ] }}\n'
    with reloaded(lab, "/etc/icinga2/watchpost.d/check-now.conf", user):
        yield Asked(lab, access)


@dataclass(frozen=True)
class Asked:
    """What Icinga finds when it is asked to check at once."""

    lab: LiveLab
    access: icinga_api.ApiAccess

    def checked(self, role: str, name: str) -> tuple[int, str]:
        """State and output of a service after a check that began now."""
        host, began = of_role(self.lab, role), time.time()
        body = json.dumps({"type": "Service", "service": f"{host}!{name}", "force": True})
        with closing(icinga_api.connection(self.access)) as connection:
            connection.request("POST", "/v1/actions/reschedule-check", body, {"Accept": "application/json"})
            assert connection.getresponse().status == 200

        def fresh() -> dict[str, Any] | None:
            found = service(self.lab, host, name)
            return found if (found["last_check_result"] or {}).get("execution_start", 0) >= began else None

        found = wait_until(fresh, reason=f"a check of {name} that began now", deadline_s=60, interval_s=0.3)
        return int(found["state"]), str(found["last_check_result"]["output"]).strip()

    def turned(self, role: str, name: str, state: int) -> tuple[int, str]:
        """The same once it has a state; what was broken or mended may need some seconds to be so."""
        return wait_until(lambda: found if (found := self.checked(role, name))[0] == state else None, reason=f"{name} turns to {state}", deadline_s=60, interval_s=1)


@contextmanager
def broken(lab: LiveLab, case: Broken) -> Iterator[None]:
    """The service broken meanwhile."""
    fleet = lab.machine("fleet")
    try:
        for argv in case.breaks:
            fleet.run(argv)
        yield
    finally:
        for argv in case.mends:
            fleet.run(argv)
        fleet.close()


@pytest.mark.parametrize("case", [pytest.param(case, id=name, marks=pytest.mark.requirement(name.split()[0])) for name, case in CASES.items()])
def test_a_broken_service_turns_its_check_and_a_mended_one_turns_it_back(lab: LiveLab, icinga: Asked, case: Broken, record_property: Any) -> None:
    assert attributes(lab)[of_role(lab, case.role), case.service]["vars"]["priority"] == case.priority
    good = icinga.checked(case.role, case.service)
    assert good[0] == 0, good
    with broken(lab, case):
        _, bad = icinga.turned(case.role, case.service, 2)
        record_property("evidence", f"{case.service}, {case.priority}: {' ; '.join(' '.join(argv) for argv in case.breaks)}: {bad.splitlines()[0][:200]}")
        assert case.says in bad, bad
        if case.intact:
            assert icinga.checked(case.role, case.intact)[0] == 0
    icinga.turned(case.role, case.service, 0)


@pytest.mark.requirement("CHECK-TEST-1")
def test_an_ssh_server_that_cannot_be_reached_turns_its_check(lab: LiveLab, icinga: Asked, record_property: Any) -> None:
    """By a packet filter for the host's own address: the fleet's one SSH server is what this test itself comes through."""
    fleet, role, name = lab.machine("fleet"), "test-suite", "test-suite-ssh"
    assert icinga.checked(role, name)[0] == 0
    argv = attributes(lab)[of_role(lab, role), name]["last_check_result"]["command"]
    target = next(word for word in argv if word.count(".") == 3 and word.replace(".", "").isdigit())
    rules = f"table inet broken {{\n chain input {{\n  type filter hook input priority -10\n  ip daddr {target} tcp dport 22 drop\n }}\n}}\n"
    fleet.run(["nft", "--file", "-"], input=rules)
    try:
        _, bad = icinga.turned(role, name, 2)
    finally:
        fleet.run(["nft", "delete", "table", "inet", "broken"])
        fleet.close()
    record_property("evidence", f"{name}, high: {bad[:200]}")
    icinga.turned(role, name, 0)


TOLD_S = 60 + 2 * 30 + 3 * 20 + 30
"""A check's interval, two retries, three time-outs of its plugin at most, and the way of the mail."""


@pytest.mark.thorough
@pytest.mark.requirement("CHECK-WEB-1", "CHECK-XMPP-1", "CHECK-JENKINS-1", "WHY-4")
def test_icinga_itself_turns_and_turns_back_and_tells(lab: LiveLab, record_property: Any) -> None:
    """Those that it checks every minute, all at once; how long it takes until people know."""
    names = ("CHECK-WEB-1", "CHECK-XMPP-1", "CHECK-JENKINS-1")
    cases = [CASES[name] for name in names]
    own = [(of_role(lab, case.role), case.service) for case in cases]

    def states() -> list[int]:
        found = attributes(lab)
        return [int(found[one]["state"]) for one in own]

    began = time.time()
    with broken(lab, cases[0]), broken(lab, cases[1]), broken(lab, cases[2]):
        wait_until(lambda: states() == [2, 2, 2], reason="Icinga finds all three broken", deadline_s=180, interval_s=3)
        subjects = [f"[CRITICAL] {host} {name}" for host, name in own]
        mails = awaited(lab, began, *subjects, deadline_s=TOLD_S)
    for subject in subjects:
        told_s = min(one.accepted_at for one in mails if one.subject == subject) - began
        record_property("evidence", f"{subject}: told {told_s:.0f} s after it broke")
        assert told_s <= TOLD_S
    wait_until(lambda: states() == [0, 0, 0], reason="Icinga finds all three mended", deadline_s=180, interval_s=3)

"""The web from outside: UI-2, and the walls in front of it (THREAT-N4).

Needs the fixture `lab` of a running lab with, as attributes:
- `web_name`: name in the monitor's certificate (monitor.lab.test), and `web_address`: address where it is reached
- `ca_path`: Path of the Puppet CA's bundle
- `secret(name)`: a secret of the lab by the name it has in Hiera without `secrets::` (basic_auth, web_admin)
- `hosts`: certnames of the monitored hosts
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provision.web import IcingaWeb
from tests.acceptance.weakened import weakened
from vm.errors import WatchpostError
from vm.wait import wait_until

RULES, OPENED = "/etc/nftables.conf", "opened-by-a-test"
CHARTS = [
    "/icingaweb2/svg/chart.php?data=1,2&colors=a,b",
    "/icingaweb2/png/chart.php?data=1,2&colors=a,b",
    # The router behind compares the raw path after removing slashes; the wall must know every spelling.
    "/icingaweb2//svg/chart.php?data=1,2",
    "/icingaweb2/svg/%63hart.php?data=1,2",
    "/icingaweb2/x/../png/chart.php?data=1,2",
]


def visitor(lab: Any, password: str | None = "basic_auth") -> IcingaWeb:
    basic = None if password is None else ("watchpost", lab.secret(password))
    return IcingaWeb(lab.web_name, lab.web_address, lab.ca_path, basic)


@pytest.mark.requirement("THREAT-N4")
@pytest.mark.parametrize(
    "path", ["/", "/icingaweb2/", "/icingaweb2/js/icinga.min.js", "/icingaweb2/icingadb/hosts", "/nothing"]
)
def test_n4_nothing_without_the_web_servers_password(lab: Any, path: str, record_property: Any) -> None:
    assert visitor(lab, None).get(path).status == 401
    # Not even with a password that opens another door.
    assert visitor(lab, "web_admin").get(path).status == 401
    let_in = visitor(lab).get(path).status
    assert let_in != 401
    record_property("evidence", f"{path}: 401 without a password and with Icinga Web's, {let_in} with the web server's")


@pytest.mark.requirement("THREAT-N4")
@pytest.mark.parametrize("path", ["/icingaweb2/", "/icingaweb2/icingadb/hosts"])
def test_n4_no_session_leads_to_the_login_form(lab: Any, path: str, record_property: Any) -> None:
    page = visitor(lab).get(path)
    assert page.is_login_form
    assert not any(host in page.text for host in lab.hosts)
    record_property("evidence", f"{path}: the login form, with the name of none of {len(lab.hosts)} hosts")


@pytest.mark.requirement("THREAT-N4")
def test_n4_the_web_servers_password_is_no_login(lab: Any, record_property: Any) -> None:
    with pytest.raises(WatchpostError, match="refused"):
        visitor(lab).login("watchpost", lab.secret("basic_auth"))
    with pytest.raises(WatchpostError, match="refused"):
        visitor(lab).login("admin", "not-" + lab.secret("web_admin"))
    record_property("evidence", "the login form refuses the web server's user and password, and a wrong password of its own user")


@pytest.mark.requirement("UI-2")
def test_ui2_overview_shows_the_hosts(lab: Any, record_property: Any) -> None:
    web = visitor(lab)
    web.login("admin", lab.secret("web_admin"))
    page = web.get(f"/icingaweb2/icingadb/hosts?limit={max(25, len(lab.hosts))}")
    assert page.status == 200
    assert [host for host in lab.hosts if host not in page.text] == []
    record_property("evidence", f"one page names all {len(lab.hosts)} hosts")


@pytest.mark.requirement("UI-2")
def test_ui2_strict_content_policy_and_no_external_origin(lab: Any, record_property: Any) -> None:
    web = visitor(lab)
    page = web.login("admin", lab.secret("web_admin"))
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["strict-transport-security"].startswith("max-age=")
    # The name of the server, and no version of it.
    assert page.headers["server"] == "nginx"
    assert "x-powered-by" not in page.headers
    record_property("evidence", f"content-security-policy: {policy}")


@pytest.mark.requirement("THREAT-N4")
@pytest.mark.parametrize("path", CHARTS)
def test_n4_charts_are_refused_to_all(lab: Any, path: str, record_property: Any) -> None:
    web = visitor(lab)
    assert web.get(path).status == 403
    web.login("admin", lab.secret("web_admin"))
    assert web.get(path).status == 403
    # The same visitor is let through elsewhere: the refusal is about the path.
    assert web.get("/icingaweb2/icingadb/hosts").status == 200
    record_property("evidence", f"{path}: 403 before and after logging in; a list of hosts: 200")


@pytest.mark.requirement("THREAT-N2")
def test_n2_certificate_is_of_the_puppet_ca(lab: Any, tmp_path: Path, record_property: Any) -> None:
    assert visitor(lab).get("/icingaweb2/").status == 200
    foreign = tmp_path / "foreign.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=foreign",
         "-keyout", str(tmp_path / "foreign.key"), "-out", str(foreign)],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(ssl.SSLCertVerificationError):
        IcingaWeb(lab.web_name, lab.web_address, foreign).get("/")
    with pytest.raises(ssl.SSLCertVerificationError):
        IcingaWeb("other." + lab.web_name, lab.web_address, lab.ca_path).get("/")
    record_property("evidence", f"who trusts the Puppet CA reaches {lab.web_name}; who trusts another one, or asks for another name, does not")


@pytest.mark.requirement("THREAT-N4")
def test_n4_a_port_that_somebody_opened_is_reached_by_nobody(lab: Any, record_property: Any) -> None:
    """The control: with a hole in the firewall it is."""
    monitor = lab.machine("monitor")
    rules = monitor.run(["cat", RULES]).stdout
    assert rules.count("{ 22, 443 }") == 1
    monitor.run(["systemd-run", "--quiet", f"--unit={OPENED}", "--property=RuntimeMaxSec=120", "python3", "-m", "http.server", "--directory=/var/empty", "80"])
    try:
        wait_until(lambda: monitor.run(["curl", "--silent", f"http://{lab.web_address}/"], check=False).returncode == 0, reason="port 80 answers on the machine itself", deadline_s=20)
        assert reaches(lab, 443) and not reaches(lab, 80)
        with weakened(lab, "monitor", "a firewall that lets port 80 in", {RULES: rules.replace("{ 22, 443 }", "{ 22, 80, 443 }")}, ("systemctl", "reload", "nftables.service")):
            assert reaches(lab, 80)
        assert not reaches(lab, 80)
    finally:
        monitor.run(["systemctl", "stop", f"{OPENED}.service"])
        monitor.close()
    record_property("evidence", "what listens on the monitor's port 80 on all addresses answers on the machine itself and to nobody from outside; with a hole in the firewall it does")


def reaches(lab: Any, port: int) -> bool:
    """Whether a connection to the monitor comes about from outside."""
    try:
        socket.create_connection((lab.web_address, port), 3).close()
    except TimeoutError:  # dropped; a refusal would say that nobody listens
        return False
    return True


@pytest.mark.requirement("THREAT-N4")
def test_n4_the_webs_api_user_may_acknowledge_and_nothing_else(lab: Any, record_property: Any) -> None:
    """Its password opens acknowledging (the control: Icinga looks for the object) and no other command or query."""
    nobody = {"type": "Service", "service": "nobody.lab.test!nothing", "author": "test", "comment": "test"}
    refused = {
        path: api(lab, "POST", path, {**nobody, "exit_status": 0, "plugin_output": "forged"})
        for path in ("/v1/actions/process-check-result", "/v1/actions/schedule-downtime", "/v1/actions/execute-command")
    }
    refused |= {path: api(lab, "GET", path) for path in ("/v1/objects/services", "/v1/status")}
    assert {path: status for path, (status, text) in refused.items() if status != 403 and "ermission" not in text} == {}
    status, text = api(lab, "POST", "/v1/actions/acknowledge-problem", nobody)
    assert "ermission" not in text and status in (404, 200), text
    assert api(lab, "POST", "/v1/actions/acknowledge-problem", nobody, password="wrong")[0] == 401
    record_property("evidence", f"acknowledge-problem: {status}; for want of permission not: {', '.join(refused)}")


def api(lab: Any, method: str, path: str, body: dict[str, Any] | None = None, password: str = "") -> tuple[int, str]:
    """What Icinga's API answers to the web's user, who needs no certificate."""
    context = ssl.create_default_context(cafile=str(lab.ca_path))
    context.check_hostname = False  # the certificate is of Icinga's own name; the CA is still checked
    connection = http.client.HTTPSConnection(lab.web_address, 5665, timeout=20, context=context)
    token = base64.b64encode(f"icingaweb:{password or lab.secret('web_commands')}".encode()).decode()
    connection.request(method, path, json.dumps(body) if body else None, {"Accept": "application/json", "Authorization": f"Basic {token}"})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text

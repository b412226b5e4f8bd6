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
from vm.errors import WatchpostError

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
def test_n4_nothing_without_the_web_servers_password(lab: Any, path: str) -> None:
    assert visitor(lab, None).get(path).status == 401
    # Not even with a password that opens another door.
    assert visitor(lab, "web_admin").get(path).status == 401
    assert visitor(lab).get(path).status != 401


@pytest.mark.requirement("THREAT-N4")
@pytest.mark.parametrize("path", ["/icingaweb2/", "/icingaweb2/icingadb/hosts"])
def test_n4_no_session_leads_to_the_login_form(lab: Any, path: str) -> None:
    page = visitor(lab).get(path)
    assert page.is_login_form
    assert not any(host in page.text for host in lab.hosts)


@pytest.mark.requirement("THREAT-N4")
def test_n4_the_web_servers_password_is_no_login(lab: Any) -> None:
    with pytest.raises(WatchpostError, match="refused"):
        visitor(lab).login("watchpost", lab.secret("basic_auth"))
    with pytest.raises(WatchpostError, match="refused"):
        visitor(lab).login("admin", "not-" + lab.secret("web_admin"))


@pytest.mark.requirement("UI-2")
def test_ui2_overview_shows_the_hosts(lab: Any) -> None:
    web = visitor(lab)
    web.login("admin", lab.secret("web_admin"))
    page = web.get(f"/icingaweb2/icingadb/hosts?limit={max(25, len(lab.hosts))}")
    assert page.status == 200
    assert [host for host in lab.hosts if host not in page.text] == []


@pytest.mark.requirement("UI-2")
def test_ui2_strict_content_policy_and_no_external_origin(lab: Any) -> None:
    web = visitor(lab)
    page = web.login("admin", lab.secret("web_admin"))
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["strict-transport-security"].startswith("max-age=")
    # The name of the server, and no version of it.
    assert page.headers["server"] == "nginx"
    assert "x-powered-by" not in page.headers


@pytest.mark.requirement("THREAT-N4")
@pytest.mark.parametrize("path", CHARTS)
def test_n4_charts_are_refused_to_all(lab: Any, path: str) -> None:
    web = visitor(lab)
    assert web.get(path).status == 403
    web.login("admin", lab.secret("web_admin"))
    assert web.get(path).status == 403
    # The same visitor is let through elsewhere: the refusal is about the path.
    assert web.get("/icingaweb2/icingadb/hosts").status == 200


def test_n2_certificate_is_of_the_puppet_ca(lab: Any, tmp_path: Path) -> None:
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


@pytest.mark.requirement("THREAT-N4")
def test_n4_nothing_answers_in_the_clear(lab: Any) -> None:
    # Dropped, not refused: so a connection does not come about at all.
    with pytest.raises(OSError):
        socket.create_connection((lab.web_address, 80), 3).close()
    socket.create_connection((lab.web_address, 443), 20).close()


@pytest.mark.requirement("THREAT-N4")
def test_n4_the_webs_api_user_may_acknowledge_and_nothing_else(lab: Any) -> None:
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

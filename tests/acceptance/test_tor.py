"""Checks through Tor: to an onion service of a Tor network of the lab's own (TOR-1, TOR-2), and with patience (TOR-3)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role, reloaded, service
from tests.acceptance.mails import awaited, received
from tests.acceptance.private_tor import PAGE, PrivateTor
from tests.acceptance.test_mail import fresh  # noqa: F401  # a notifier that has its budgets before it
from tests.acceptance.watching import captured
from vm.wait import wait_until

CLIENT = "/etc/tor/torrc.d/private.conf"
OBJECTS = "/etc/icinga2/watchpost.d/weakened.conf"
FIRST_PAGE_S = 240
RETRY_S = 15
ATTEMPTS = 5


@pytest.fixture(scope="module")
def onion(lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An onion service's address; the monitor's Tor is a client of its network meanwhile."""
    network = PrivateTor(lab, tmp_path_factory.mktemp("tor"))
    monitor = lab.machine("monitor")
    with network.running():
        try:
            join(monitor, network.client)
            page = ["curl", "--silent", "--max-time", "20", "--socks5-hostname", "127.0.0.1:9050", "--output", "/dev/null", f"http://{network.onion}/"]
            wait_until(lambda: monitor.run(page, check=False).returncode == 0, reason="a first page through Tor", deadline_s=FIRST_PAGE_S, interval_s=3)
            yield network.onion
        finally:
            join(monitor, "")
            monitor.close()


def join(monitor: Machine, client: str) -> None:
    """The monitor's Tor begins anew as a client of a network (of the public one where none is named), and remembers nothing of the one before."""
    monitor.run(["systemctl", "stop", "tor@default.service"])
    monitor.run(["find", "/var/lib/tor", "-mindepth", "1", "-delete"])
    if client:
        monitor.write(CLIENT, client, mode="0644")
    else:
        monitor.run(["rm", "-f", CLIENT])
    monitor.run(["systemctl", "start", "tor@default.service"])


@contextmanager
def checked(lab: LiveLab, onion: str) -> Iterator[str]:
    """Two services that are checked through Tor meanwhile; the host that has them."""
    host = of_role(lab, "gitolite")
    common = f'host_name = "{host}"; zone = ZoneName; check_interval = 10s; retry_interval = {RETRY_S}s; max_check_attempts = {ATTEMPTS}; vars.priority = "low"'
    text = f'object Service "onion" {{ {common}; check_command = "http_socks"; vars.http_socks_host = "{onion}"; vars.http_socks_body_regex = "{PAGE}" }}\n'
    text += f'object Service "onion-port" {{ {common}; check_command = "tcp_torsocks"; vars.tcp_torsocks_host = "{onion}"; vars.tcp_torsocks_port = 80; enable_notifications = false }}\n'
    with reloaded(lab, OBJECTS, text, what="services of a test in Icinga"):
        yield host


def state(lab: LiveLab, host: str, name: str = "onion") -> tuple[int, str]:
    """State and words of the last result; -1 before the first."""
    result = service(lab, host, name)["last_check_result"]
    return (int(result["state"]), result["output"]) if result else (-1, "")


@pytest.mark.thorough
@pytest.mark.requirement("TOR-1", "TOR-2", "TOR-3")
def test_an_onion_service_is_checked_and_a_short_failure_is_told_to_nobody(lab: LiveLab, onion: str, record_property: Any) -> None:
    monitor = lab.machine("monitor")
    with captured(lab.lab.bridge) as frames, checked(lab, onion) as host:
        wait_until(lambda: state(lab, host)[0] == 0, reason="the onion service's page is found good", deadline_s=120)
        wait_until(lambda: state(lab, host, "onion-port")[0] == 0, reason="its port is found good by torsocks", deadline_s=120)
        good = state(lab, host)[1]
        monitor.run(["getent", "hosts", "a-word-for-the-resolver.lab.test"], check=False)  # the control: this one is asked for
        time.sleep(1)
        asked = bytes(frames)
        since = time.time()
        # without SOCKS the check fails, and nobody hears of one failure
        monitor.run(["systemctl", "stop", "tor@default.service"])
        wait_until(lambda: state(lab, host)[0] == 2, reason="the check is critical without SOCKS", deadline_s=90)
        bad = state(lab, host)[1]
        monitor.run(["systemctl", "start", "tor@default.service"])
        wait_until(lambda: state(lab, host)[0] == 0, reason="it is good again", deadline_s=120)
        assert not [one for one in received(lab, since) if "onion" in one.subject], "told of a failure that did not last"
        # the control: of one that lasts they hear
        began = time.time()
        monitor.run(["systemctl", "stop", "tor@default.service"])
        mails = awaited(lab, began, f"[CRITICAL] {host} onion", deadline_s=60 + 2 * RETRY_S * ATTEMPTS)
        monitor.run(["systemctl", "start", "tor@default.service"])
        wait_until(lambda: state(lab, host)[0] == 0, reason="it is good again", deadline_s=120)
    monitor.close()
    told = next(one for one in mails if one.subject == f"[CRITICAL] {host} onion")
    assert told.accepted_at - began > RETRY_S * (ATTEMPTS - 2)
    assert b"a-word-for-the-resolver" in asked and onion.removesuffix(".onion").encode() not in asked, "the name of the service was asked of nobody"
    record_property("evidence", f"{onion}: {good[:120]}; without SOCKS: {bad[:120]}; mail {told.accepted_at - began:.0f} s after the beginning of a failure that lasts")

"""A person at Icinga Web: logs in once, then looks at pages, with cookies and the login form's own token, as a browser without JavaScript."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from loadtest.arrivals import Arrival
from provision.web import IcingaWeb, Page
from vm.errors import WatchpostError

PAGES = {
    "overview": "/icingaweb2/icingadb/tactical",
    "host list": "/icingaweb2/icingadb/hosts",
    "problems": "/icingaweb2/icingadb/services?service.state.is_problem=y&sort=service.state.severity%20desc",
}
"""Addresses by what the arrival's detail says; "host" looks at one of the hosts in turn."""


class Kind:
    """One person with a session of its own. basic, login: user and password, each in a file of one line `USER:PASSWORD`."""

    def __init__(self, name: str, *, site: str, address: str, ca: str, basic: str, login: str, hosts: list[str]) -> None:
        self._name = name
        self._web = IcingaWeb(site, address, Path(ca), pair(basic), timeout_s=30)
        self._login = pair(login)
        self._hosts = hosts

    def start(self) -> None:
        """Log in. Raises WatchpostError when that fails."""
        self._web.login(*self._login)

    def arrive(self, arrival: Arrival, intended: float) -> None:
        if arrival.detail == "host":
            name = self._hosts[arrival.n % len(self._hosts)]
            shown(self._web.get(f"/icingaweb2/icingadb/host?name={quote(name)}"), name)
        else:
            shown(self._web.get(PAGES[arrival.detail]), "icingadb")

    def stop(self) -> None:
        """Sessions end by themselves."""


def pair(path: str) -> tuple[str, str]:
    """User and password from a file."""
    user, _, password = Path(path).read_text().strip().partition(":")
    return user, password


def shown(page: Page, expected: str) -> None:
    """Raises WatchpostError unless the page is a good one that shows what is expected, and not the login form."""
    if page.status != 200 or page.is_login_form or expected not in page.text:
        raise WatchpostError(f"the page is not what was asked for: status {page.status}, {len(page.text)} bytes", page.path)

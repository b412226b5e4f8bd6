"""A person at Icinga Web: logs in once, looks at pages and acknowledges problems, with cookies and forms as a browser without JavaScript."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from urllib.parse import quote, urlsplit

from loadtest.arrivals import Arrival
from provision.web import IcingaWeb, Page
from provision.web_page import read
from vm.errors import WatchpostError

PAGES = {
    "overview": "/icingaweb2/icingadb/tactical",
    "host list": "/icingaweb2/icingadb/hosts",
    "problems": "/icingaweb2/icingadb/services?service.state.is_problem=y&sort=service.state.severity%20desc",
}
"""Addresses by what the arrival's detail says; "host" looks at one of the hosts in turn, "acknowledge" acts."""
SERVICE = "/icingaweb2/icingadb/service"
OPEN, TAKEN = (f"{SERVICE}s?service.state.is_problem=y&service.state.is_acknowledged={word}&limit=50" for word in "ny")


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
        elif arrival.detail == "acknowledge":
            self._acknowledge(arrival.n)
        else:
            shown(self._web.get(PAGES[arrival.detail]), "icingadb")

    def _acknowledge(self, n: int) -> None:
        """Acknowledge a problem that nobody has; where all are taken, give one back. Each person has a place of its own in the list."""
        place = zlib.crc32(self._name.encode()) + n
        found = self._pick(OPEN, place)
        if found:
            form = shown(self._web.get(f"{SERVICE}/acknowledge?{found}"), "comment")
            done(self._web.submit(form, f"{SERVICE}/acknowledge", {"comment": f"{self._name} looks into it"}))
        elif found := self._pick(TAKEN, place):
            page = shown(self._web.get(f"{SERVICE}?{found}"), "icingadb")
            done(self._web.submit(page, f"{SERVICE}/remove-acknowledgement", {}))

    def _pick(self, listed: str, place: int) -> str:
        """The query that names one service of a list; empty when the list is."""
        links = read(shown(self._web.get(listed), "icingadb").text).links
        named = sorted({urlsplit(link).query for link in links if urlsplit(link).path == SERVICE})
        return named[place % len(named)] if named else ""

    def stop(self) -> None:
        """Sessions end by themselves."""


def pair(path: str) -> tuple[str, str]:
    """User and password from a file."""
    user, _, password = Path(path).read_text().strip().partition(":")
    return user, password


def shown(page: Page, expected: str) -> Page:
    """The page; raises WatchpostError unless it is a good one that shows what is expected, and not the login form."""
    if page.status != 200 or page.is_login_form or expected not in page.text:
        raise WatchpostError(f"the page is not what was asked for: status {page.status}, {len(page.text)} bytes", page.path)
    return page


def done(page: Page) -> None:
    """Raises WatchpostError when the page that follows a command tells of a failure."""
    shown(page, "icingadb")
    if re.search(r'class="[^"]*\berror\b', page.text):
        raise WatchpostError("the command was refused", page.path)

"""Icinga Web as a person with a browser and no JavaScript meets it: cookies, the login form, pages.

Owns the HTTPS client and the login. Knows nothing of what the pages mean, and nothing of load: a load test makes as many of
these as it wants users.
"""

from __future__ import annotations

import base64
import functools
import http.client
import http.cookiejar
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.web_page import read
from vm.errors import WatchpostError

LOGIN_PATH = "/icingaweb2/authentication/login"


@dataclass(frozen=True)
class Page:
    """What came back in the end, redirects followed."""

    status: int
    path: str
    text: str
    headers: dict[str, str]

    @property
    def is_login_form(self) -> bool:
        """Whether Icinga Web asks who is there."""
        return self.status == 200 and 'name="CSRFToken"' in self.text and 'id="login"' in self.text


class _Connection(http.client.HTTPSConnection):
    """Goes to a given address and still checks the certificate against the name: the lab's names resolve inside it only."""

    def __init__(self, host: str, *, address: str, context: ssl.SSLContext, **rest: Any) -> None:
        super().__init__(host, context=context, **rest)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


class _Handler(urllib.request.HTTPSHandler):
    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._address = address
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        connection = functools.partial(_Connection, address=self._address, context=self._tls)
        return self.do_open(connection, req)


class IcingaWeb:
    """One visitor with a cookie jar of its own.

    `basic` is the user and password that the web server asks for; None sends none. Nothing is trusted but the CA in `ca_path`.
    """

    def __init__(
        self, name: str, address: str, ca_path: Path, basic: tuple[str, str] | None = None, timeout_s: float = 60
    ) -> None:
        self._base = f"https://{name}"
        self._timeout_s = timeout_s
        context = ssl.create_default_context(cafile=str(ca_path))
        self._opener = urllib.request.build_opener(
            # The lab is never behind a proxy, whatever the environment says.
            urllib.request.ProxyHandler({}),
            _Handler(address, context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )
        self._opener.addheaders = [("User-Agent", "watchpost"), ("Accept", "text/html")]
        if basic is not None:
            token = base64.b64encode(":".join(basic).encode()).decode()
            self._opener.addheaders.append(("Authorization", f"Basic {token}"))

    def get(self, path: str) -> Page:
        """The page at a path, redirects followed. Refusals are pages too; only a connection that fails raises."""
        return self._open(urllib.request.Request(self._base + path))

    def submit(self, page: Page, path: str, fields: Mapping[str, str]) -> Page:
        """Fills in the page's form that goes to a path and sends it: what the form has by itself, and these fields. Raises when there is none."""
        forms = read(page.text).forms
        named = [one for one in forms if urllib.parse.urlsplit(one.action).path == path]
        form = next(iter(named or [one for one in forms if not one.action and page.path == path]), None)
        if form is None:
            raise WatchpostError(f"the page has no form for {path}", where=self._base + page.path)
        body = urllib.parse.urlencode(form.fields | dict(fields)).encode()
        address = urllib.parse.urljoin(self._base + page.path, form.action or page.path)
        return self._open(urllib.request.Request(address, data=body))

    def login(self, user: str, password: str) -> Page:
        """Logs in through the form and returns the page that follows. Raises when the form comes back."""
        # The first answer sets a cookie and redirects, to see whether it is sent back.
        form = self.get(LOGIN_PATH)
        if not form.is_login_form:
            raise WatchpostError(
                f"no login form but status {form.status}",
                where=self._base + LOGIN_PATH,
                todo="check the web server's password",
            )
        page = self.submit(form, LOGIN_PATH, {"username": user, "password": password, "rememberme": "0"})
        if page.status != 200 or page.is_login_form:
            raise WatchpostError(
                f"login of {user} refused", where=self._base + LOGIN_PATH, todo="check the password of that user"
            )
        return page

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise error.reason from None
            raise WatchpostError(
                f"no answer: {error.reason}", where=self._base, todo="check that the monitor is up"
            ) from error
        with answer:
            text = answer.read().decode("utf-8", "replace")
            headers = {key.lower(): value for key, value in answer.headers.items()}
            return Page(answer.status or 0, urllib.parse.urlsplit(answer.url).path, text, headers)

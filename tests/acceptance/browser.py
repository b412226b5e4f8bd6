"""A real browser: Debian's Firefox ESR without a screen, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/) over its own websocket."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

from vm import processes
from vm.wait import wait_until

SAFER: dict[str, bool] = {
    "javascript.options.ion": False, "javascript.options.baselinejit": False, "javascript.options.native_regexp": False, "javascript.options.wasm": False,
    "javascript.options.asmjs": False, "mathml.disabled": True, "gfx.font_rendering.opentype_svg.enabled": False, "gfx.font_rendering.graphite.enabled": False,
    "privacy.resistFingerprinting": True,
}  # fmt: skip
"""What Tor Browser's level Safer sets (its manual: no just-in-time compilers, no fonts that are programs, no MathML)."""
NO_SCRIPTS: dict[str, bool] = {"javascript.enabled": False}
QUIET: dict[str, bool | int | str] = {
    "remote.active-protocols": 1, "browser.shell.checkDefaultBrowser": False, "browser.startup.homepage_override.mstone": "ignore", "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "toolkit.telemetry.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "browser.safebrowsing.downloads.enabled": False, "services.settings.server": "data:,", "extensions.update.enabled": False,
    "browser.newtabpage.enabled": False, "network.prefetch-next": False, "signon.rememberSignons": False,
}  # fmt: skip
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://[^\s]+)")
ENTER = "\ue007"
ANSWER_S = 60.0


class Browser:
    """One window. Every request's host name is kept in `asked`."""

    def __init__(self, address: str, basic: tuple[str, str]) -> None:
        self.asked: set[str] = set()
        self._basic = basic
        self._number = 0
        self._socket = websocket.create_connection(f"{address}/session", timeout=ANSWER_S, suppress_origin=True)
        # that the certificate is of the lab's CA is shown elsewhere (test_web); a profile without Debian's tools can not be told of it
        self.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self.call("session.subscribe", events=["network.authRequired", "network.beforeRequestSent"])
        self.call("network.addIntercept", phases=["authRequired"])
        self.window: str = self.call("browsingContext.getTree")["contexts"][0]["context"]
        self.call("browsingContext.setViewport", context=self.window, viewport={"width": 1280, "height": 1000})

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its answer; events meanwhile are heard."""
        self._number += 1
        number = self._number
        self._send(number, method, params)
        while True:
            told = json.loads(self._socket.recv())
            if told.get("type") == "event":
                self._hear(told["method"], told["params"])
            elif told.get("id") == number:
                assert told["type"] == "success", f"{method}: {told.get('error')}: {told.get('message')}"
                result: dict[str, Any] = told["result"]
                return result

    def _send(self, number: int, method: str, params: Mapping[str, Any]) -> None:
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))

    def _hear(self, method: str, params: dict[str, Any]) -> None:
        request = params.get("request", {})
        if method == "network.beforeRequestSent":
            self.asked.add(re.sub(r"^[a-z]+://([^/:]*).*", r"\1", request["url"], flags=re.DOTALL) if "://" in request["url"] else request["url"][:20])
        elif method == "network.authRequired" and params.get("isBlocked"):
            user, password = self._basic
            self._number += 1
            credentials = {"type": "password", "username": user, "password": password}
            self._send(self._number, "network.continueWithAuth", {"request": request["request"], "action": "provideCredentials", "credentials": credentials})

    def go(self, url: str) -> None:
        """Open a page and wait until it is there."""
        self.call("browsingContext.navigate", context=self.window, url=url, wait="complete")

    def find(self, **locator: str) -> list[dict[str, Any]]:
        """Elements by a locator: type and value."""
        nodes: list[dict[str, Any]] = self.call("browsingContext.locateNodes", context=self.window, locator=locator)["nodes"]
        return nodes

    def css(self, selector: str) -> list[dict[str, Any]]:
        return self.find(type="css", value=selector)

    def shows(self, text: str) -> bool:
        """Whether some element's whole text is this."""
        return bool(self.find(type="xpath", value=f'//body//*[normalize-space(.)="{text}"]'))

    def type_into(self, selector: str, text: str) -> None:
        """Click on an element and type."""
        (element, *_) = self.css(selector)
        origin = {"type": "element", "element": {"sharedId": element["sharedId"]}}
        clicks = [{"type": "pointerMove", "x": 0, "y": 0, "origin": origin}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        keys = [{"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")]
        self.call("input.performActions", context=self.window, actions=[{"type": "pointer", "id": "mouse", "actions": clicks}])
        self.call("input.performActions", context=self.window, actions=[{"type": "key", "id": "keys", "actions": keys}])

    def screenshot(self, path: Path) -> Path:
        """What is drawn now, as a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("browsingContext.captureScreenshot", context=self.window)["data"]))
        return path


@contextmanager
def browsing(folder: Path, address: str, basic: tuple[str, str], settings: Mapping[str, bool]) -> Iterator[Browser]:
    """A browser with a profile of its own in a folder, for which every name is at this address."""
    assert shutil.which("firefox-esr"), "no browser: ./bootstrap test or ./bootstrap accept installs it"
    prefs = {**QUIET, **settings, "network.dns.forceResolve": address}
    folder.mkdir(parents=True)
    (folder / "user.js").write_text("".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in prefs.items()))
    log = folder / "firefox.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(folder), "MOZ_HEADLESS": "1"},
        )  # fmt: skip
    try:

        def listening() -> str:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            found = LISTENING.search(log.read_text(errors="replace"))
            return found[1] if found else ""

        yield Browser(wait_until(listening, reason="Firefox to listen", deadline_s=90), basic)
    finally:
        process.terminate()
        processes.reap(process, 20)

"""The web as a person's browser shows it (UI-2): with the settings of Tor Browser's level Safer, and without any scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest

from provision import icinga_api
from tests.acceptance.browser import ENTER, NO_SCRIPTS, SAFER, Browser, browsing
from tests.acceptance.conftest import LiveLab
from vm.wait import wait_until

COLOURS = 50
"""A page that is drawn has more of them; an empty one has one."""


def colours(path: Path) -> int:
    """How many colours a picture has."""
    picture = matplotlib.image.imread(path)
    return len({tuple(pixel) for row in picture[::4] for pixel in row[::4]})


def log_in(browser: Browser, site: str, user: str, password: str) -> None:
    browser.go(f"{site}/icingaweb2/")
    browser.type_into("input[name=username]", user)
    browser.type_into("input[name=password]", password + ENTER)
    wait_until(lambda: browser.css("#sidebar"), reason="the page behind the login form", deadline_s=60)


@pytest.mark.requirement("UI-2")
@pytest.mark.parametrize(("how", "settings"), [("safer", SAFER), ("without-scripts", NO_SCRIPTS)], ids=["safer", "without scripts"])
def test_ui2_overview_lists_and_details_in_a_real_browser(lab: LiveLab, how: str, settings: Mapping[str, bool], tmp_path: Path, record_property: Any) -> None:
    site, basic = f"https://{lab.web_name}", ("watchpost", lab.secret("basic_auth"))
    kept = lab.kept / "screenshots" / how
    host = lab.hosts[0]
    problems = [one for one in icinga_api.service_states(lab.api()) if one.state and one.host == host]
    with browsing(tmp_path / "profile", lab.web_address, basic, settings) as browser:
        log_in(browser, site, "admin", lab.secret("web_admin"))
        pictures = [browser.screenshot(kept / "first.png")]
        browser.go(f"{site}/icingaweb2/icingadb/hosts?limit={max(25, len(lab.hosts))}")
        assert [one for one in lab.hosts if not browser.shows(one)] == []
        pictures.append(browser.screenshot(kept / "hosts.png"))
        browser.go(f"{site}/icingaweb2/icingadb/services?host.name={host}&limit=50")
        wait_until(lambda: all(map(browser.shows, ("disk", "memory", "apt"))), reason="the host's services to be shown", deadline_s=20)
        pictures.append(browser.screenshot(kept / "services.png"))
        browser.go(f"{site}/icingaweb2/icingadb/service?name=disk&host.name={host}")
        wait_until(lambda: browser.shows("Plugin Output"), reason="the details of a service", deadline_s=20)
        pictures.append(browser.screenshot(kept / "service.png"))
        browser.go(f"{site}/icingaweb2/icingadb/tactical")
        pictures.append(browser.screenshot(kept / "tactical.png"))
        asked = browser.asked
    assert not problems
    assert all(colours(path) > COLOURS for path in pictures), {path.name: colours(path) for path in pictures}
    assert {one for one in asked if "." in one} == {lab.web_name}, "nothing is fetched from elsewhere"
    record_property("evidence", f"{how}: {', '.join(str(path.relative_to(lab.kept)) for path in pictures)}: pages that are drawn, all requests to {lab.web_name}")

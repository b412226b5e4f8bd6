"""The public overview: what it says of states, and that no name in it can be anything but a name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FILES = Path(__file__).resolve().parents[3] / "puppet_fixtures" / "modules" / "overview" / "files"
sys.path.insert(0, str(FILES))

from overview.page import page  # noqa: E402
from overview.states import State, Unreadable, parse  # noqa: E402

NOW = 1_800_000_000.0
HOSTS = [State("a.lab.test", "", "up", False, NOW - 60), State("b.lab.test", "", "down", True, NOW - 3600)]
SERVICES = [
    State("a.lab.test", "disk", "ok", False, NOW - 60), State("a.lab.test", "web", "critical", False, NOW - 120), State("b.lab.test", "disk", "pending", False, 0),
]  # fmt: skip


def read(text: str) -> Element:
    return ElementTree.fromstring(text)


def words(element: Element) -> str:
    return "".join(element.itertext())


def rows(document: Element, caption: str) -> list[list[str]]:
    (found,) = [table for table in document.iter("table") if table.findtext("caption") == caption]
    return [[words(cell) for cell in row] for row in found.iter("tr")][1:]


def test_problems_come_first_and_the_worst_of_them_before_others() -> None:
    document = read(page("monitor.lab.test", HOSTS, SERVICES, NOW, 60))
    assert rows(document, "Problems") == [
        ["critical", "a.lab.test", "web", "2027-01-15 07:58 UTC"],
        ["down, somebody knows", "b.lab.test", "(the host itself)", "2027-01-15 07:00 UTC"],
        ["pending", "b.lab.test", "disk", "-"],
    ]
    assert rows(document, "Hosts") == [["a.lab.test", "up", "1 ok, 1 critical"], ["b.lab.test", "down, somebody knows", "1 pending"]]
    assert document.findtext(".//title") == "3 problems - monitor.lab.test"


def test_without_problems_it_says_so() -> None:
    document = read(page("monitor.lab.test", HOSTS[:1], SERVICES[:1], NOW, 60))
    assert "No problems." in words(document)
    assert document.findtext(".//title") == "0 problems - monitor.lab.test"


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100)
def test_a_name_is_text_whatever_it_holds(host: str, service: str) -> None:
    text = page("monitor.lab.test", [State(host, "", "down", False, NOW)], [State(host, service, "critical", False, NOW)], NOW, 60)
    plain = page("monitor.lab.test", [State("a", "", "down", False, NOW)], [State("a", "b", "critical", False, NOW)], NOW, 60)
    tags = [(element.tag, sorted(element.attrib)) for element in read(text).iter()]
    assert tags == [(element.tag, sorted(element.attrib)) for element in read(plain).iter()]


def test_a_script_in_a_name_stays_a_name_and_the_page_has_none_of_its_own() -> None:
    document = read(page("monitor.lab.test", [State("<script>alert(1)</script>", "", "up", False, NOW)], [], NOW, 60))
    assert not list(document.iter("script"))
    assert "<script>alert(1)</script>" in words(document)
    assert not [value for element in document.iter() for name, value in element.attrib.items() if name in ("src", "href") or name.startswith("on")]


def test_states_are_read_as_the_database_gives_them() -> None:
    answer = {"hosts": [["a", 0, False, 5000], ["b", 99, False, 0]], "services": [["a", "disk", 2, True, 6000]]}
    assert parse(json.dumps(answer)) == (
        [State("a", "", "up", False, 5), State("b", "", "pending", False, 0)], [State("a", "disk", "critical", True, 6)],
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "{}", '{"hosts": 1, "services": []}', '{"hosts": [[1]], "services": []}', "[]"])
def test_what_is_no_list_of_states_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="no list of states"):
        parse(text)

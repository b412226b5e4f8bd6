"""What counts as the same machine: a lab's own words are replaced, everything else is compared, and differences have reasons."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from xml.etree import ElementTree

import pytest

from provision.protocol import netstring
from provision.rebuild import layers
from provision.rebuild.compare import compare, junit, lines
from provision.rebuild.layers import catalog, files, objects, ports
from provision.rebuild.placeholders import LONGEST, Placeholders
from provision.rebuild.snapshot import Snapshot

ONE = Placeholders("lab-one", IPv4Network("10.70.4.0/22"), {"web_admin": "s3cret-of-one", "short": "abc"})
TWO = Placeholders("lab-two-new", IPv4Network("10.99.128.0/22"), {"web_admin": "another-secret", "short": "xyz"})
BASE = Snapshot(
    lab="a", driver="container", code="c1", lock="l1", recipe="r1", options="o1",
    aspects={"packages": {"less": "1"}, "catalog": {"File[/x] mode": '"0644"'}, "units": {"ssh.service": "loaded active running"}},
)  # fmt: skip


def changed(aspect: str, name: str, value: str, **more: str) -> Snapshot:
    rows = {**BASE.aspects, aspect: {**BASE.aspects[aspect], name: value}}
    return BASE.model_copy(update={"aspects": rows, **more})


def test_the_same_text_of_two_labs_is_the_same() -> None:
    first = "lab-one at 10.70.4.3 and 10.70.5.17, password s3cret-of-one, abc\n-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----"
    second = "lab-two-new at 10.99.128.3 and 10.99.129.17, password another-secret, abc\n-----BEGIN CERTIFICATE-----\nBBB\n-----END CERTIFICATE-----"
    assert ONE.text(first) == TWO.text(second)
    assert "<net>.1.17" in ONE.text(first) and "<secret web_admin>" in ONE.text(first)
    assert ONE.text("ssh-ed25519 AAAAC3Nz0 x") == TWO.text("ssh-ed25519 AAAAC3Nz1 x")


@pytest.mark.parametrize("text", ["10.70.8.3", "10.71.4.3", "1.10.70.4", "lab-on", "abc"])
def test_what_is_not_the_labs_own_stays(text: str) -> None:
    assert ONE.text(text) == text


def test_long_values_are_compared_by_digest() -> None:
    assert ONE.short("x" * LONGEST) == "x" * LONGEST
    assert ONE.short("x" * (LONGEST + 1)).startswith("sha256:") and ONE.short("a\nb").startswith("sha256:")
    assert ONE.short("a\n10.70.4.3") == TWO.short("a\n10.99.128.3") != ONE.short("a\n10.70.4.4")


def test_two_equal_rebuilds_differ_in_nothing() -> None:
    found = compare(BASE, BASE.model_copy(update={"lab": "b"}), "x")
    assert found.differences == () and found.drift == () and found.moved == ()
    assert ElementTree.fromstring(junit(found)).get("failures") == "0"


@pytest.mark.parametrize(("aspect", "name"), [(aspect, name) for aspect, rows in BASE.aspects.items() for name in rows])
@pytest.mark.parametrize("value", ["other", None])
def test_one_line_of_any_aspect_is_drift(aspect: str, name: str, value: str | None) -> None:
    after = changed(aspect, name, value or "")
    if value is None:
        after = BASE.model_copy(update={"aspects": {**BASE.aspects, aspect: {}}})
    (one,) = compare(BASE, after, "x").drift
    assert (one.aspect, one.name, one.after) == (aspect, name, value or "-")
    suite = ElementTree.fromstring(junit(compare(BASE, after, "x")))
    assert suite.get("failures") == "1"
    assert name in (suite.findtext(f"testcase[@name='{aspect}']/failure") or "")


@pytest.mark.parametrize(
    ("aspect", "moved", "kind"),
    [
        ("packages", "lock", "intended"), ("packages", "recipe", "intended"), ("packages", "code", "drift"), ("packages", "options", "drift"),
        ("catalog", "code", "intended"), ("catalog", "options", "intended"), ("catalog", "lock", "intended"),
        ("units", "code", "intended"), ("units", "lock", "intended"),
    ],
)  # fmt: skip
def test_a_difference_is_intended_when_what_it_is_made_from_moved(aspect: str, moved: str, kind: str) -> None:
    after = changed(aspect, "new line", "x", **{moved: "moved"})
    found = compare(BASE, after, "x")
    assert found.moved == (moved,)
    assert [one.kind for one in found.differences] == [kind]
    assert lines(found.differences) == [f"{aspect}: new line: - -> x ({kind})"]


def test_a_catalogs_sensitive_values_are_not_looked_at() -> None:
    resources = [
        {"type": "File", "title": "/a", "parameters": {"content": {"__ptype": "Sensitive", "__pvalue": "s3cret"}, "mode": "0600"}},
        {"type": "File", "title": "/b", "parameters": {"content": "s3cret"}, "sensitive_parameters": ["content"]},
        {"type": "Class", "title": "Main"},
    ]
    found = dict(catalog.rows({"resources": resources}))
    assert found == {
        "File[/a]": "present", "File[/a] content": "<sensitive>", "File[/a] mode": '"0600"', "File[/b]": "present",
        "File[/b] content": "<sensitive>", "Class[Main]": "present",
    }  # fmt: skip
    assert files.paths({"resources": resources}) == ["/a", "/b"]


def test_ports_are_read_with_their_programs() -> None:
    listed = 'tcp LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=9,fd=6),("nginx",pid=8,fd=6))\nudp UNCONN 0 0 127.0.0.1:323 0.0.0.0:*\n'
    assert ports.rows(listed) == {"tcp 0.0.0.0:443": "nginx", "udp 127.0.0.1:323": "?"}


def test_objects_lose_their_places_and_nothing_else() -> None:
    def dumped(place: str, interval: int) -> bytes:
        one = {"type": "Service", "name": "disk", "properties": {"__name": "h!disk", "check_interval": interval, "source_location": {"path": place}}}
        return netstring.encode(json.dumps(one).encode())

    assert list(objects.objects(dumped("/a", 60))) == list(objects.objects(dumped("/b", 60)))
    assert dict(objects.objects(dumped("/a", 60))) == {"Service h!disk": {"__name": "h!disk", "check_interval": 60}}
    assert list(objects.objects(dumped("/a", 60) + dumped("/a", 61)))[0] != list(objects.objects(dumped("/a", 61)))[0]


def test_every_file_of_the_folder_is_an_aspect() -> None:
    assert {"image", "packages", "catalog", "units", "ports", "files", "objects"} <= set(layers.readers())

"""The Puppet server's and PuppetDB's requests and answers, without a network."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.agents import agent_checks
from provision.protocol import puppet, puppet_report, puppetdb
from provision.protocol.http import Response, target
from provision.protocol.puppet import Catalog, Requested
from vm.errors import WatchpostError

NAME = "rsync-001.lab.test"
FACTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def answer(status: int, body: Any = b"") -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def catalog(*resources: dict[str, Any], name: str = NAME) -> dict[str, Any]:
    return {"name": name, "version": 7, "catalog_uuid": "u", "resources": [{"type": "Class", "title": "main"}, *resources]}


def check(title: str, interval_s: int = 60) -> dict[str, Any]:
    content = f'object Service "{title}" {{\n  check_interval = {interval_s}\n  retry_interval = 30\n}}\n'
    return {"type": "File", "title": f"/etc/icinga2/watchpost.d/services/{title}.conf", "parameters": {"content": content}}


@given(st.dictionaries(st.text(), FACTS, max_size=5))
def test_facts_survive_the_double_encoding(facts: dict[str, Any]) -> None:
    request = puppet.post_facts(NAME, facts, "2030-01-01T00:00:00Z", "t")
    form = parse_qs(request.body.decode(), strict_parsing=True)
    # What the server does: decode the form, then the field once more.
    assert json.loads(unquote_plus(form["facts"][0])) == {
        "name": NAME, "values": json.loads(json.dumps(facts)), "timestamp": "2030-01-01T00:00:00Z",
    }  # fmt: skip
    assert form["facts_format"] == ["application/json"]


@given(st.text(min_size=1))
def test_a_segment_never_leaves_its_place_in_the_path(name: str) -> None:
    path = urlsplit(puppet.get_certificate(name).target).path
    assert path.count("/") == 4
    assert unquote(path.rsplit("/", 1)[1]) == name
    assert "\r" not in path and "\n" not in path and " " not in path


def test_targets() -> None:
    assert target("a", "b c", q="1&2") == "/a/b%20c?q=1%262"
    assert puppet.put_request(NAME, b"x").target == f"/puppet-ca/v1/certificate_request/{NAME}"
    assert puppet.put_report(NAME, {}).target == f"/puppet/v3/report/{NAME}?environment=production"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", Requested.TAKEN),
        (400, f"{NAME} already has a requested certificate; ignoring certificate request".encode(), Requested.PENDING),
        (400, f"{NAME} already has a signed certificate; ignoring certificate request".encode(), Requested.SIGNED),
    ],
)
def test_what_becomes_of_a_certificate_request(status: int, body: bytes, expected: Requested) -> None:
    assert puppet.read_requested(NAME, answer(status, body)) is expected


@pytest.mark.parametrize(("status", "body"), [(400, b"CSR is nonsense"), (500, b"signed certificate"), (403, b"")])
def test_another_refusal_of_a_request_names_the_node(status: int, body: bytes) -> None:
    with pytest.raises(WatchpostError, match=f"{NAME}.*HTTP {status}"):
        puppet.read_requested(NAME, answer(status, body))


def test_certificates() -> None:
    assert puppet.read_pem(NAME, answer(404, b"not found")) is None
    assert puppet.read_pem(NAME, answer(200, b"-----BEGIN CERTIFICATE-----\n")) == b"-----BEGIN CERTIFICATE-----\n"
    for bad in (answer(200, b"<html>"), answer(500, b"oops")):
        with pytest.raises(WatchpostError, match=NAME):
            puppet.read_pem(NAME, bad)


def test_a_catalog_is_counted() -> None:
    found = puppet.read_catalog(NAME, answer(200, catalog({"type": "File", "title": "/x"})))
    assert (found.certname, len(found.resources)) == (NAME, 2)
    assert found.size == len(json.dumps(catalog({"type": "File", "title": "/x"})))


def test_a_compile_error_gives_the_compilers_words_and_the_node() -> None:
    body = {"message": "Server Error: Unknown resource type: 'fil' (file: x.pp, line: 7)", "issue_kind": "RUNTIME_ERROR"}
    with pytest.raises(WatchpostError, match=f"{NAME}.*Unknown resource type: 'fil'.*line: 7"):
        puppet.read_catalog(NAME, answer(500, body))


@pytest.mark.parametrize("body", [b"", b"junk", b"[]", b'{"name": "rsync-001.lab.test"}', catalog(name="other.lab.test")])
def test_what_is_no_catalog_of_this_node_is_refused(body: Any) -> None:
    with pytest.raises(WatchpostError, match=NAME):
        puppet.read_catalog(NAME, answer(200, body))


def test_only_the_agents_own_checks_are_its_checks() -> None:
    other = {"type": "Monitoring::Check", "title": "c", "parameters": {"runs_on": "monitor", "interval_s": 60}}
    document = catalog(check("b", 300), check("a"), other, {"type": "File", "title": "b"}, {"type": "File", "title": "/x/services/d.conf", "parameters": {"content": "  check_interval = 5"}})
    found = agent_checks(Catalog(NAME, document, 1))
    assert [(one.title, one.interval_s) for one in found] == [("a", 60.0), ("b", 300.0)]


def test_a_report_is_one_of_an_unchanged_run() -> None:
    document = catalog({"type": "File", "title": "/x"})
    report = puppet_report.unchanged(
        Catalog(NAME, document, 1), began="b", ended="e", compile_s=1.5, transaction="t", server="puppet.lab.test"
    )
    assert (report["host"], report["status"], report["transaction_uuid"], report["catalog_uuid"]) == (NAME, "unchanged", "t", "u")
    assert ["total", "Total", 2] in report["metrics"]["resources"]["values"]
    json.dumps(report)


def test_plugins() -> None:
    assert puppet.read_plugins(NAME, answer(404)) == ()
    assert puppet.read_plugins(NAME, answer(200, [{"relative_path": "."}, {"relative_path": "facter/x.rb"}])) == (".", "facter/x.rb")
    with pytest.raises(WatchpostError, match=NAME):
        puppet.read_plugins(NAME, answer(403))


@pytest.mark.parametrize(
    ("state", "up", "depth", "expected"),
    [("running", True, 0, 0), ("running", True, 3, 3), ("running", False, 0, None), ("starting", True, 0, None)],
)
def test_the_queue_counts_only_when_puppetdb_works(state: str, up: bool, depth: int, expected: int | None) -> None:
    body = {"state": state, "status": {"write_dbs_up?": up, "queue_depth": depth}}
    assert puppetdb.waiting_commands(answer(200, body)) == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"maintenance"])
def test_any_other_status_is_not_ready(body: bytes) -> None:
    assert puppetdb.waiting_commands(answer(503, body)) is None


def test_rows_of_a_query() -> None:
    assert puppetdb.read_rows(answer(200, [{"count": 1}])) == [{"count": 1}]
    with pytest.raises(WatchpostError, match="403"):
        puppetdb.read_rows(answer(403, b"denied"))
    assert json.loads(puppetdb.query("nodes {}").body) == {"query": "nodes {}"}


def test_a_command_stands_in_the_query_and_its_payload_in_the_body() -> None:
    request = puppetdb.deactivate(NAME, "2030-01-01T00:00:00Z")
    assert parse_qs(urlsplit(request.target).query) == {"command": ["deactivate_node"], "version": ["3"], "certname": [NAME]}
    assert json.loads(request.body)["certname"] == NAME

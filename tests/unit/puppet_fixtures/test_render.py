"""What hosts export becomes the monitor's configuration: whatever PuppetDB holds, it stays the objects that it says it is, or its host is refused.

No fact can be such a value but an address: names, commands and variables of checks come from code and data on the Puppet server. So this attacks the renderer itself.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puppet_fixtures.compiling import CONTROL_REPO
from tests.unit.puppet_fixtures.test_quote import Reader, expected, texts, values

RUBY = """
require 'json'
require 'puppet'
Puppet.initialize_settings(['--confdir', ARGV[0], '--vardir', ARGV[0]])
loaders = Puppet::Pops::Loaders.new(Puppet::Node::Environment.create(:test, [ARGV[1]]))
Puppet.override({ loaders: loaders, global_scope: Struct.new(:compiler).new(true) }, 'render') do
  render = loaders.private_environment_loader.load(:function, 'monitoring::render')
  $stdin.each_line do |line|
    puts JSON.generate(render.call({}, JSON.parse(line, max_nesting: 200), {}, 200))
    $stdout.flush
  end
end
"""
HOST = "a.lab.test"
QUOTE = "monitoring/lib/puppet/functions/monitoring/quote.rb"
CARE = " if value.ascii_only? && value.bytesize <= max_bytes && plain.match?(value)"
INJECTED = 'x"\n}\nobject CheckCommand "evil" {\n  vars.a = "'
"""What, between two quotation marks and nothing more, begins another object."""


class Renderer:
    """One Ruby process that renders rows, a line for a line."""

    def __init__(self, directory: Path, modules: Path) -> None:
        argv = ["/usr/bin/ruby", "-e", RUBY, str(directory), str(modules)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(rows) + "\n")
        self.process.stdin.flush()
        answer: dict[str, dict[str, str]] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renderer]:
    made = Renderer(tmp_path_factory.mktemp("puppet"), CONTROL_REPO / "modules")
    yield made
    made.process.communicate(timeout=10)
    assert made.process.returncode == 0


def read(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The objects of a file, each with its type, its name and what it is given; raises ValueError on anything else."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    inside = False
    for line in text.split("\n"):
        if not inside and (begun := re.fullmatch(r"object ([A-Za-z]+) (\".*\") \{", line)):
            found.append((begun[1], Reader(begun[2]).whole(), {}))
            inside = True
        elif inside and line == "}":
            inside = False
        elif inside and (given := re.fullmatch(r"  ([a-z_.0-9]+) = (.*)", line)):
            found[-1][2][given[1]] = Reader(given[2]).whole()
        elif not (inside and re.fullmatch(r'  import "generic-(host|service)"', line)) and (inside or (line and not line.startswith("// "))):
            raise ValueError(f"no line of an object: {line!r}")
    return found


def service(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """What PuppetDB would have of a host with one check."""
    usual = {"host": HOST, "service": "check", "command": "http", "runs_on": "monitor", "priority": "low", "interval_s": 60, "retry_s": 30, "attempts": 3, "vars": {}}
    return [
        {"certname": HOST, "type": "Monitoring::Collected::Host", "title": HOST, "parameters": {"host": HOST, "address": "10.9.0.1", "role": "website"}},
        {"certname": HOST, "type": "Monitoring::Collected::Service", "title": "x", "parameters": usual | parameters},
    ]


names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
variables = st.one_of(st.dictionaries(st.one_of(names, texts), values, max_size=3), st.just({"a": INJECTED}))
anything = st.fixed_dictionaries(
    {}, optional={"vars": variables} | {key: st.one_of(texts, st.just(INJECTED), values) for key in ("host", "service", "command", "runs_on", "priority", "interval_s", "retry_s", "attempts", "often")}
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(anything)
def test_whatever_is_exported_stays_one_service_or_is_refused(render: Renderer, parameters: dict[str, Any]) -> None:
    answer = render(service(parameters))
    assert list(answer["files"]) == [HOST]
    objects = read(answer["files"][HOST])
    assert [(kind, name) for kind, name, _ in objects[:3]] == [("Endpoint", HOST), ("Zone", HOST), ("Host", HOST)]
    kind, name, given = objects[3]
    assert kind == "Service" and given["host_name"] == HOST
    if answer["refused"]:
        assert (len(objects), name, given["check_command"]) == (4, "exported-resources", "dummy")
    elif given["vars.runs_on"] == "monitor":
        assert {key.removeprefix("vars."): value for key, value in given.items() if key.startswith("vars.")} == {"priority": given["vars.priority"], "runs_on": "monitor"} | expected(parameters.get("vars", {}))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(names.filter(lambda name: name not in ("priority", "runs_on")), st.one_of(texts, st.just(INJECTED)), min_size=1, max_size=4))
def test_hostile_variables_of_an_honest_check_are_taken_as_they_are(render: Renderer, variables: dict[str, str]) -> None:
    answer = render(service({"vars": variables}))
    assert not answer["refused"]
    given = read(answer["files"][HOST])[3][2]
    assert {name: given[f"vars.{name}"] for name in variables} == expected(variables)


def test_where_quoting_is_weakened_the_same_value_becomes_another_object(render: Renderer, tmp_path: Path) -> None:
    """The control: this file's reader sees what it is there to see."""
    shutil.copytree(CONTROL_REPO / "modules", tmp_path / "modules")
    quote = tmp_path / "modules" / QUOTE
    text = quote.read_text(encoding="utf-8")
    assert text.count(CARE) == 1
    quote.write_text(text.replace(CARE, ""), encoding="utf-8")
    careless = Renderer(tmp_path, tmp_path / "modules")
    rows = service({"vars": {"a": INJECTED}})
    assert [(kind, name) for kind, name, _ in read(render(rows)["files"][HOST])[3:]] == [("Service", "check")]
    assert [(kind, name) for kind, name, _ in read(careless(rows)["files"][HOST])[3:]] == [("Service", "check"), ("CheckCommand", "evil")]
    careless.process.communicate(timeout=10)

"""Imports go one way, and each outside library has one home. Read from the source, so that lazy imports count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("vm", "puppet_fixtures", "provision", "loadtest", "tasks")
"""From the floor up: a file imports from its own layer and from those before it."""

HOMES = {"libvirt": "vm/drivers/", "fabric": "provision/", "paramiko": "provision/", "invoke": "tasks.py", "locust": "loadtest/locustfiles/"}


def imported(path: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of each module that a file imports; relative and computed imports included."""
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield node.lineno, ".".join([*base, *([node.module] if node.module else [])])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "import_module", "importlib.import_module", "__import__",
        ):  # fmt: skip
            first = node.args[0]
            start = first.values[0] if isinstance(first, ast.JoinedStr) else first
            yield node.lineno, str(start.value) if isinstance(start, ast.Constant) else "?"


def violations(sources: Mapping[str, str]) -> list[str]:
    """What breaks the rules, one line each. sources: file's path from the root, and its text."""
    found = []
    for path, text in sorted(sources.items()):
        own = path.split("/")[0].removesuffix(".py")
        for line, name in imported(path, ast.parse(text)):
            top = name.split(".")[0]
            if top == "?":
                found.append(f"{path}:{line} imports what nobody can check")
            elif top in LAYERS and LAYERS.index(top) > LAYERS.index(own):
                found.append(f"{path}:{line} {own} imports {top}")
            elif top in HOMES and not path.startswith(HOMES[top]):
                found.append(f"{path}:{line} {top} outside {HOMES[top]}")
    return found


def project() -> dict[str, str]:
    """Every source of the project by its path from the root."""
    files = [ROOT / "tasks.py", *(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): path.read_text() for path in files}


def test_the_project_keeps_its_directions() -> None:
    assert violations(project()) == []


def test_the_check_reads_the_whole_project() -> None:
    names = set(project())
    assert {"tasks.py", "vm/lab.py", "vm/drivers/libvirt.py", "puppet_fixtures/fleet.py", "provision/ssh.py"} <= names
    used = {name.split(".")[0] for path, text in project().items() for _, name in imported(path, ast.parse(text))}
    assert used >= set(HOMES) | {"vm", "puppet_fixtures", "provision", "loadtest"}, "a library nobody imports needs no home"


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("vm/lab.py", "import provision.up", "vm imports provision"),
        ("vm/lab.py", "from puppet_fixtures import fleet", "vm imports puppet_fixtures"),
        ("puppet_fixtures/fleet.py", "from provision.up import Up", "puppet_fixtures imports provision"),
        ("provision/up.py", "import tasks", "provision imports tasks"),
        ("provision/up.py", "def late():\n    from loadtest import report", "provision imports loadtest"),
        ("vm/wait.py", "import importlib\nimportlib.import_module('provision.up')", "vm imports provision"),
        ("vm/wait.py", "import importlib\nimportlib.import_module(f'provision.{x}')", "vm imports provision"),
        ("vm/wait.py", "import importlib\nimportlib.import_module(x)", "nobody can check"),
        ("vm/doctor.py", "import libvirt", "libvirt outside vm/drivers/"),
        ("provision/up.py", "from libvirt import open", "libvirt outside vm/drivers/"),
        ("vm/command.py", "import fabric", "fabric outside provision/"),
        ("tasks.py", "from paramiko.client import SSHClient", "paramiko outside provision/"),
        ("provision/ssh.py", "from invoke import Context", "invoke outside tasks.py"),
    ],
)
def test_a_planted_violation_is_found(path: str, text: str, words: str) -> None:
    (found,) = violations({path: text})
    assert found.startswith(f"{path}:") and words in found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("provision/up.py", "from vm import lab\nfrom puppet_fixtures import fleet\nfrom provision import agents"),
        ("provision/protocol/http.py", "from . import netstring\nfrom ..ledger import Ledger"),
        ("vm/drivers/console.py", "import libvirt\nfrom vm.drivers.libvirt import domain_name"),
        ("provision/ssh.py", "import fabric, paramiko"),
        ("tasks.py", "import invoke\nfrom provision import up\nfrom vm import lab"),
    ],
)
def test_what_is_allowed_is_not_reported(path: str, text: str) -> None:
    assert violations({path: text}) == []

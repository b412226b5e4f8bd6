"""What the catalogs of one revision ask for: of every node its resources and the text of its files, Icinga's objects among them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puppet_fixtures import example_lab
from puppet_fixtures.compiling import Catalog, CompileError, Node, compile_catalogs
from puppet_fixtures.fleet import SimulatedHost
from puppet_fixtures.plan.revision import shown
from vm.errors import WatchpostError

PLACE = re.compile(r"\(file: (?P<file>[^,()]+), line: (?P<line>[0-9]+)")
OBJECT = re.compile(r'^object (?P<kind>\w+) (?P<name>"[^\n]*?") \{\n(?P<body>.*?)^\}$', re.MULTILINE | re.DOTALL)
HOST_NAME = re.compile(r'^  host_name = "(?P<name>[^\n]*)"$', re.MULTILINE)
ICINGA = "/etc/icinga2/"


@dataclass(frozen=True)
class Machine:
    """One node: parameters of its resources by reference, text of its files by path (the text is no parameter then)."""

    role: str
    resources: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str]


@dataclass(frozen=True)
class State:
    """All nodes of one revision by certname; objects: Icinga's on the monitor by kind and full name."""

    revision: str
    machines: Mapping[str, Machine]
    monitor: Machine
    objects: Mapping[tuple[str, str], str]


def of(tree: Path, revision: str, members: Sequence[SimulatedHost], key: str) -> State:
    """Compile all nodes whose role the control repository `tree` has, the monitor last. key: see compile_catalogs.

    Raises WatchpostError naming file and line when one does not compile.
    """
    nodes = [*map(example_lab.host_node, members), *map(example_lab.machine_node, example_lab.MACHINES)]
    nodes = [node for node in nodes if (tree / "site" / "role" / "manifests" / f"{node.data['role']}.pp").is_file()]
    catalogs = compile_catalogs(nodes, example_lab.lab(members), control_repo=tree, key=key)
    _refuse_errors(catalogs, revision)
    machines = {node.certname: _machine(node, catalogs[node.certname], tree) for node in nodes}
    monitor = machines.pop("monitor.lab.test", Machine("monitor", {}, {}))
    return State(revision, machines, monitor, dict(_objects(monitor.files)))


def _refuse_errors(catalogs: Mapping[str, Catalog | CompileError], revision: str) -> None:
    failed: dict[str, list[str]] = {}
    for certname, answer in catalogs.items():
        if isinstance(answer, CompileError):
            failed.setdefault(str(answer).removesuffix(f" on node {certname}"), []).append(certname)
    for message, certnames in failed.items():
        place = PLACE.search(message)
        where = f"puppet_fixtures/{place['file']}, line {place['line']}" if place else "the control repository"
        more = f" and {len(certnames) - 1} more" if len(certnames) > 1 else ""
        raise WatchpostError(f"{shown(revision)} does not compile for {certnames[0]}{more}: {message}", where, "mend it, or name another revision")


def _machine(node: Node, catalog: Catalog | CompileError, tree: Path) -> Machine:
    assert isinstance(catalog, Catalog)
    resources: dict[str, Mapping[str, Any]] = {}
    files: dict[str, str] = {}
    for it in catalog.resources:
        if it["virtual"]:
            continue
        parameters = dict(it["parameters"])
        if it["type"] == "File":
            path = parameters.get("path", it["title"])
            if "content" in parameters:
                files[path] = str(parameters.pop("content"))
            elif str(parameters.get("source", "")).startswith("puppet:///modules/"):
                files |= dict(_sources(path, parameters["source"], tree))
        resources[f"{it['type']}[{it['title']}]"] = parameters
    return Machine(str(node.data["role"]), resources, files)


def _sources(path: str, source: str, tree: Path) -> Iterator[tuple[str, str]]:
    """The files that a file server would send for a source: path on the machine, and text."""
    module, _, rest = source.removeprefix("puppet:///modules/").partition("/")
    for folder in ("modules", "site"):
        found = tree / folder / module / "files" / rest
        if found.is_file():
            yield path, _text(found.read_bytes())
        elif found.is_dir():
            for below in sorted(found.rglob("*")):
                if below.is_file() and "__pycache__" not in below.parts:
                    yield f"{path}/{below.relative_to(found)}", _text(below.read_bytes())


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"(binary, sha256 {hashlib.sha256(data).hexdigest()})\n"


def _objects(files: Mapping[str, str]) -> Iterable[tuple[tuple[str, str], str]]:
    """Icinga's objects as monitoring's renderers and the static files write them: brackets of an object begin and end a line."""
    for path, text in sorted(files.items()):
        if path.startswith(ICINGA):
            for found in OBJECT.finditer(text):
                name = found["name"][1:-1]
                owner = HOST_NAME.search(found["body"])
                yield (found["kind"], f"{owner['name']}!{name}" if owner else name), found[0]

"""Compiles catalogs of a control repository without a server: a private hierarchy, and one Ruby process (compile.rb) for all nodes.

Some things stand in for what a lab has: puppetdb_query answers what it is given, or what the nodes compiled before export, whatever the query says;
a machine of the lab finds a placeholder for every secret it looks up; and where this host's Debian has a stdlib older than the lab's, it gets the
function that our code uses and it lacks. What the lab's data is comes from the caller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from vm.command import run

CONTROL_REPO = Path(__file__).resolve().parent
DEBIAN_MODULES = Path("/usr/share/puppet/modules")
LAB_DATA = "/etc/puppet/lab"

STAND_INS = {
    "stand_ins/lib/puppet/functions/placeholder.rb": """Puppet::Functions.create_function(:placeholder) do
  dispatch(:look) { param 'String', :key; param 'Hash', :options; param 'Puppet::LookupContext', :context }
  def look(key, _options, context)
    return context.not_found unless $compiling['secrets'] && key.start_with?('secrets::')
    "placeholder-of-#{key.delete_prefix('secrets::')}"
  end
end
""",
}
TO_JSON = """Puppet::Functions.create_function(:'stdlib::to_json') do
  dispatch(:write) { param 'Any', :data }
  def write(data)
    data.to_json
  end
end
"""
"""In stdlib since 9; Debian 12 has 8.5."""
RARELY_COLLECTED = {
    "RUBY_GC_HEAP_INIT_SLOTS": "600000", "RUBY_GC_MALLOC_LIMIT": "268435456", "RUBY_GC_MALLOC_LIMIT_MAX": "268435456",
    "RUBY_GC_OLDMALLOC_LIMIT": "268435456", "RUBY_GC_OLDMALLOC_LIMIT_MAX": "268435456",
}  # fmt: skip
"""Ruby's garbage collector (ruby(1)): a process that ends soon need not collect. The catalogs of all roles took 18 % less CPU."""


@dataclass(frozen=True)
class Node:
    """What is compiled: a certname, its own Hiera data, its facts.

    rows: what PuppetDB answers it; None for what the nodes before it export. secrets: whether it may look up (placeholders of) secrets.
    """

    certname: str
    data: Mapping[str, Any]
    facts: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] | None = None
    secrets: bool = False


@dataclass(frozen=True)
class Catalog:
    """One compiled catalog; `resources` has type, title, exported, virtual and parameters of each. seconds: wall clock of the compiler."""

    resources: tuple[dict[str, Any], ...]
    seconds: float

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The parameters of all resources of a type that are the node's own, by title."""
        return {it["title"]: it["parameters"] for it in self.resources if it["type"] == kind and not it["virtual"]}

    @property
    def exported(self) -> list[dict[str, Any]]:
        """What the node exports for others."""
        return [it for it in self.resources if it["exported"]]


class CompileError(Exception):
    """A catalog that did not compile; the message is Puppet's, its files named from the control repository on."""


def compile_catalogs(
    nodes: Sequence[Node], lab: Mapping[str, Any], *, control_repo: Path = CONTROL_REPO, manifest: str | None = None, key: str = ""
) -> dict[str, Catalog | CompileError]:
    """The catalogs of all nodes, in their order. lab: the lab's Hiera data. manifest: stands for site.pp.

    key: of the digests that stand for Sensitive values; runs with the same key can be compared.

    Raises WatchpostError when Ruby or Puppet itself fails.
    """
    with TemporaryDirectory(prefix="watchpost-compile-") as name:
        directory = Path(name)
        environment = directory / "environments" / "production"
        _write_environment(environment, directory / "lab", control_repo, manifest)
        # JSON is YAML: no second writer is needed.
        (directory / "lab" / "nodes").mkdir(parents=True)
        (directory / "lab" / "lab.yaml").write_text(json.dumps(lab), encoding="utf-8")
        for node in nodes:
            (directory / "lab" / "nodes" / f"{node.certname}.yaml").write_text(json.dumps(node.data), encoding="utf-8")
        job = {
            "environmentpath": str(environment.parent),
            "environment": environment.name,
            "vardir": str(directory / "puppet"),
            "key": key,
            "nodes": [{"certname": it.certname, "facts": it.facts, "rows": it.rows, "secrets": it.secrets} for it in nodes],
        }
        done = run(["/usr/bin/ruby", CONTROL_REPO / "compile.rb"], input=json.dumps(job), env=RARELY_COLLECTED, log_output=False)
        answers = json.loads(done.stdout.splitlines()[-1])["nodes"]
        return {certname: _catalog(answer, environment) for certname, answer in answers.items()}


def _write_environment(environment: Path, lab: Path, control_repo: Path, manifest: str | None) -> None:
    """An environment that is the control repository, but for its hierarchy and module path."""
    (environment / "manifests").mkdir(parents=True)
    for name in ("data", "site", "modules"):
        (environment / name).symlink_to(control_repo / name)
    whole = manifest or (control_repo / "manifests" / "site.pp").read_text(encoding="utf-8")
    (environment / "manifests" / "site.pp").write_text(whole, encoding="utf-8")
    hiera = yaml.safe_load((control_repo / "hiera.yaml").read_text(encoding="utf-8").replace(LAB_DATA, str(lab)))
    hiera["hierarchy"].append({"name": "placeholders", "lookup_key": "placeholder"})
    (environment / "hiera.yaml").write_text(yaml.safe_dump(hiera), encoding="utf-8")
    _write_stand_ins(environment / "stand-ins")
    path = f"stand-ins:modules:site:{DEBIAN_MODULES}"
    (environment / "environment.conf").write_text(f"modulepath = {path}\n", encoding="utf-8")


def _write_stand_ins(directory: Path) -> None:
    """Modules that come before all others."""
    files = dict(STAND_INS)
    newer = "lib/puppet/functions/stdlib/to_json.rb"
    if (DEBIAN_MODULES / "stdlib").is_dir() and not (DEBIAN_MODULES / "stdlib" / newer).exists():
        _link(DEBIAN_MODULES / "stdlib", directory / "stdlib", newer)
        files[f"stdlib/{newer}"] = TO_JSON
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _link(source: Path, target: Path, but: str) -> None:
    """A directory of links to all that is in another, with room for one more file: directories on the way to it are made."""
    target.mkdir(parents=True)
    first, _, rest = but.partition("/")
    for path in source.iterdir():
        if path.name == first:
            _link(path, target / first, rest)
        else:
            (target / path.name).symlink_to(path)


def _catalog(answer: Mapping[str, Any], environment: Path) -> Catalog | CompileError:
    if "error" in answer:
        return CompileError(answer["error"].replace(f"{environment}/", ""))
    return Catalog(tuple(answer["resources"]), answer["seconds"])

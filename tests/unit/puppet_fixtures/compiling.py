"""Compiles catalogs of the control repository without a server: a private copy of its hierarchy, and one Ruby process for all nodes.

Tests only. PuppetDB's answer is a file: the stub module answers puppetdb_query from it.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[3]
FIXTURES = REPO / "puppet_fixtures"
DEBIAN_MODULES = Path("/usr/share/puppet/modules")

STUB = """Puppet::Functions.create_function(:puppetdb_query) do
  dispatch(:ask) { param 'String', :query }
  def ask(_query)
    JSON.parse(File.read('%s')).fetch($compiling_for)
  end
end
"""


@dataclass(frozen=True)
class Catalog:
    """One compiled catalog; `resources` has type, title, exported, virtual and parameters of each."""

    resources: tuple[dict[str, Any], ...]
    seconds: float

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The parameters of all resources of a type that are the node's own, by title."""
        return {it["title"]: it["parameters"] for it in self.resources if it["type"] == kind and not it["virtual"]}

    @property
    def exported(self) -> list[dict[str, Any]]:
        """What the node exports for others."""
        return [it for it in self.resources if it["exported"]]

    @property
    def ordinary(self) -> list[dict[str, Any]]:
        """What is neither a check nor made of one, nor structure (classes, defines): what an agent would apply."""
        builtin = {"File", "Package", "Service", "User", "Group", "Exec"}
        return [it for it in self.resources if it["type"] in builtin and "/watchpost.d/services" not in it["title"]]


class CompileError(Exception):
    """A catalog that did not compile; the message is Puppet's."""


def compile_catalogs(
    directory: Path,
    lab: dict[str, Any],
    nodes: dict[str, dict[str, Any]],
    facts: dict[str, dict[str, Any]],
    rows: dict[str, list[dict[str, Any]]] | None = None,
    manifest: str | None = None,
) -> dict[str, Catalog | CompileError]:
    """The catalogs of all nodes; `nodes` has each node's own Hiera data, `rows` is what PuppetDB answers each,
    `manifest` stands for site.pp."""
    environment = directory / "environments" / "production"
    (directory / "lab" / "nodes").mkdir(parents=True)
    environment.mkdir(parents=True)
    for name in ("data", "site", "modules"):
        (environment / name).symlink_to(FIXTURES / name)
    (environment / "manifests").mkdir()
    whole = manifest or (FIXTURES / "manifests" / "site.pp").read_text(encoding="utf-8")
    (environment / "manifests" / "site.pp").write_text(whole, encoding="utf-8")
    hierarchy = (FIXTURES / "hiera.yaml").read_text(encoding="utf-8")
    (environment / "hiera.yaml").write_text(hierarchy.replace("/etc/puppet/lab", str(directory / "lab")), encoding="utf-8")
    stub = directory / "stub" / "stub" / "lib" / "puppet" / "functions"
    stub.mkdir(parents=True)
    (stub / "puppetdb_query.rb").write_text(STUB % (directory / "rows.json"), encoding="utf-8")
    (directory / "rows.json").write_text(json.dumps(rows or {}), encoding="utf-8")
    modules = [str(directory / "stub"), "modules", "site", str(DEBIAN_MODULES)]
    (environment / "environment.conf").write_text(f"modulepath = {':'.join(modules)}\n", encoding="utf-8")
    # JSON is YAML: no second writer is needed.
    (directory / "lab" / "lab.yaml").write_text(json.dumps(lab), encoding="utf-8")
    for certname, data in nodes.items():
        (directory / "lab" / "nodes" / f"{certname}.yaml").write_text(json.dumps(data), encoding="utf-8")
    job = {
        "environmentpath": str(environment.parent),
        "environment": "production",
        "vardir": str(directory / "puppet"),
        "nodes": [{"certname": name, "facts": facts[name]} for name in nodes],
    }
    done = subprocess.run(
        ["/usr/bin/ruby", str(Path(__file__).with_name("compile.rb"))],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"compile.rb failed: {done.stderr[-3000:]}")
    answers = json.loads(done.stdout.splitlines()[-1])["nodes"]
    return {name: _catalog(answer) for name, answer in answers.items()}


def _catalog(answer: dict[str, Any]) -> Catalog | CompileError:
    if "error" in answer:
        return CompileError(answer["error"])
    return Catalog(tuple(answer["resources"]), answer["seconds"])

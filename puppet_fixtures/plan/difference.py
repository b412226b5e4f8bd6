"""The difference of two states as a record. Pure: no clock, no order but that of names.

Where a Sensitive value stood is a digest that one run alone can compare; it never gets further than this file.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from puppet_fixtures.plan.state import Machine, State
from vm.artefact import Record

SEALED = re.compile(r"\[sensitive [0-9a-f]{64}\]")
HOST_KINDS = ("Host", "Endpoint", "Zone")
STRUCTURE = ("Class[", "Stage[")


class Changes(Record):
    """Names of what is added, removed or changed, sorted."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class ResourceChange(Record):
    """A resource whose parameters change: `before` and `after` hold those that differ, as JSON; one is None where there is no resource."""

    name: str
    before: dict[str, str] | None
    after: dict[str, str] | None


class FileChange(Record):
    """A file whose text changes; diff: unified."""

    path: str
    diff: str


class RoleChange(Record):
    """Which resources change on the machines of one role, be it on one of them; a file's text is part of it."""

    role: str
    machines: int
    resources: Changes


class Plan(Record):
    """What would change from one revision to another, for a fleet of `hosts` hosts drawn from `seed`."""

    version: int = 1
    before: str
    after: str
    hosts: int
    seed: int
    monitored_hosts: Changes
    services: Changes
    commands: Changes
    refused: tuple[str, ...]
    roles: tuple[RoleChange, ...]
    resources: tuple[ResourceChange, ...]
    files: tuple[FileChange, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.roles or self.resources or self.files)


def between(before: State, after: State, hosts: int, seed: int) -> Plan:
    """What changes from one state to another."""
    kinds = {kind: _changes(_of_kind(before, kind), _of_kind(after, kind)) for kind in ("Host", "Service", "CheckCommand")}
    touched = {name for kind in HOST_KINDS for name in _changes(_of_kind(before, kind), _of_kind(after, kind)).changed}
    known = set(_of_kind(before, "Host")) & set(_of_kind(after, "Host"))
    return Plan(
        before=before.revision,
        after=after.revision,
        hosts=hosts,
        seed=seed,
        monitored_hosts=kinds["Host"].model_copy(update={"changed": tuple(sorted(touched & known))}),
        services=kinds["Service"],
        commands=kinds["CheckCommand"],
        refused=tuple(sorted(name.partition("!")[0] for name in _of_kind(after, "Service") if name.endswith("!exported-resources"))),
        roles=tuple(_roles(before, after)),
        resources=tuple(_resources(before.monitor, after.monitor)),
        files=tuple(_files(before.monitor.files, after.monitor.files)),
    )


def _of_kind(state: State, kind: str) -> dict[str, str]:
    return {name: text for (its, name), text in state.objects.items() if its == kind}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
    )


def _ordinary(machine: Machine) -> dict[str, Any]:
    """What an agent applies, texts included: neither classes nor defines, whose own resources are here too."""
    found: dict[str, Any] = {f"File[{path}]": text for path, text in machine.files.items()}
    for name, parameters in machine.resources.items():
        if not name.startswith(STRUCTURE) and "::" not in name.partition("[")[0]:
            found[name] = (parameters, found.get(name))
    return found


def _roles(before: State, after: State) -> Iterator[RoleChange]:
    nothing = Machine("", {}, {})
    by_role: dict[str, list[str]] = {}
    for certname, machine in sorted({**before.machines, **after.machines}.items()):
        by_role.setdefault(machine.role, []).append(certname)
    for role, certnames in sorted(by_role.items()):
        pairs = [(before.machines.get(name, nothing), after.machines.get(name, nothing)) for name in certnames]
        resources = _together([_changes(_ordinary(old), _ordinary(new)) for old, new in pairs])
        if resources:
            yield RoleChange(role=role, machines=len(certnames), resources=resources)


def _together(several: list[Changes]) -> Changes:
    names = {kind: tuple(sorted({name for one in several for name in getattr(one, kind)})) for kind in Changes.model_fields}
    return Changes(**names)


def _resources(before: Machine, after: Machine) -> Iterator[ResourceChange]:
    for name in sorted(before.resources.keys() | after.resources.keys()):
        old, new = before.resources.get(name), after.resources.get(name)
        if old == new:
            continue
        differ = sorted(key for key in {**(old or {}), **(new or {})} if (old or {}).get(key) != (new or {}).get(key))
        texts = [None if it is None else {key: _json(it[key]) for key in differ if key in it} for it in (old, new)]
        yield ResourceChange(
            name=name,
            before=None if texts[0] is None else {key: masked(text, (texts[1] or {}).get(key, ""), "before") for key, text in texts[0].items()},
            after=None if texts[1] is None else {key: masked(text, (texts[0] or {}).get(key, ""), "after") for key, text in texts[1].items()},
        )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _files(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FileChange]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new:
            names = ("/dev/null" if old is None else f"a{path}", "/dev/null" if new is None else f"b{path}")
            yield FileChange(path=path, diff=unified(masked(old or "", new or "", "before"), masked(new or "", old or "", "after"), *names))


def masked(text: str, other: str, side: str) -> str:
    """A text without the digests of Sensitive values; what the other text has not is told apart by its side."""
    same = set(SEALED.findall(other))
    return SEALED.sub(lambda found: "[sensitive]" if found[0] in same else f"[sensitive, {side}]", text)


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """A unified diff; lines end at line feeds only, and a missing last one is told as diff does."""
    lines = list(difflib.unified_diff(_lines(old), _lines(new), old_name, new_name, lineterm="\n"))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    return [line for line in re.split(r"(?<=\n)", text) if line]

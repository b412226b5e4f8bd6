"""A plan as text: a summary, the monitor's own resources, then one unified diff of the monitor's files. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from puppet_fixtures.plan.difference import Changes, Plan, ResourceChange, RoleChange
from puppet_fixtures.plan.revision import shown

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
STYLES = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}


def text(plan: Plan) -> str:
    """All of it; what a terminal would obey is escaped."""
    return "".join(f"{line}\n" for _, line in _lines(plan))


def show(plan: Plan, console: Console) -> None:
    """Print it; in colours on a terminal only."""
    for mark, line in _lines(plan):
        console.print(Text(line, style=STYLES.get(mark, "")), soft_wrap=True)


def _lines(plan: Plan) -> Iterator[tuple[str, str]]:
    """Every line, with the mark that decides its colour before it."""
    for line in _summary(plan):
        yield line.lstrip()[:1] if line.startswith("  ") else "", _printable(line)
    for change in plan.files:
        for line in change.diff.removesuffix("\n").split("\n"):
            yield line[:1], _printable(line)


def _printable(line: str) -> str:
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _summary(plan: Plan) -> Iterator[str]:
    yield f"from             {shown(plan.before)}"
    yield f"to               {shown(plan.after)}"
    yield f"fleet            {plan.hosts} hosts of seed {plan.seed}"
    yield ""
    if plan.empty:
        yield "nothing would change"
        return
    yield f"hosts            {_count(plan.monitored_hosts)}"
    yield f"services         {_count(plan.services)}"
    yield f"check commands   {_count(plan.commands)}"
    yield f"monitor          {_count(_names(plan.resources))} resources, {len(plan.files)} {'file' if len(plan.files) == 1 else 'files'}"
    for role in plan.roles:
        yield f"{role.role:<17}{_count(role.resources)} resources, {role.machines} {'machine' if role.machines == 1 else 'machines'}"
    for certname in plan.refused:
        yield f"refused          {certname} exports what the monitor does not take"
    for title, changes in (("hosts", plan.monitored_hosts), ("services", plan.services), ("check commands", plan.commands)):
        if changes:
            yield from ["", f"{title}:", *_marked(changes)]
    for title, lines in _grouped(plan.roles):
        yield from ["", f"resources of {title}:", *lines]
    if plan.resources:
        yield from ["", "resources of monitor:"]
        for it in plan.resources:
            yield from _resource(it)
    if plan.files:
        yield from ["", "files of monitor:"]


def _count(changes: Changes) -> str:
    return f"+{len(changes.added)} -{len(changes.removed)} ~{len(changes.changed)}"


def _names(resources: tuple[ResourceChange, ...]) -> Changes:
    return Changes(
        added=tuple(it.name for it in resources if it.before is None),
        removed=tuple(it.name for it in resources if it.after is None),
        changed=tuple(it.name for it in resources if it.before is not None and it.after is not None),
    )


def _marked(changes: Changes) -> list[str]:
    pairs = (("-", changes.removed), ("~", changes.changed), ("+", changes.added))
    return [f"  {mark} {name}" for mark, names in pairs for name in names]


def _grouped(roles: tuple[RoleChange, ...]) -> Iterator[tuple[str, list[str]]]:
    """Roles in which the same changes are shown once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for role in roles:
        groups.setdefault(tuple(_marked(role.resources)), []).append(role.role)
    for lines, names in groups.items():
        yield ", ".join(names), list(lines)


def _resource(change: ResourceChange) -> Iterator[str]:
    mark = "+" if change.before is None else "-" if change.after is None else "~"
    yield f"  {mark} {change.name}"
    before, after = change.before or {}, change.after or {}
    for name in sorted({**before, **after}):
        if name in before:
            yield f"      - {name} => {before[name]}"
        if name in after:
            yield f"      + {name} => {after[name]}"

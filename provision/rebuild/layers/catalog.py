"""The monitor's catalog as its agent keeps it: each resource with its parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from provision.rebuild.layers import Source
from provision.rebuild.snapshot import Aspect


def rows(catalog: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of every parameter; a resource without any has a line of its own. Sensitive values are not looked at."""
    for resource in catalog["resources"]:
        title = f"{resource['type']}[{resource['title']}]"
        hidden = set(resource.get("sensitive_parameters", ()))
        yield title, "present"
        for name, value in sorted((resource.get("parameters") or {}).items()):
            secret = name in hidden or (isinstance(value, dict) and value.get("__ptype") == "Sensitive")
            yield f"{title} {name}", "<sensitive>" if secret else json.dumps(value, sort_keys=True)


def read(source: Source) -> Aspect:
    """Values by resource and parameter."""
    clean = source.placeholders
    return {clean.text(name): clean.short(value) for name, value in rows(source.catalog)}

"""Icinga's objects as it resolved them: type, name and attributes, whichever file or template they came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provision.protocol.netstring import Decoder
from provision.rebuild.layers import Source
from provision.rebuild.snapshot import Aspect

OBJECTS = "/var/cache/icinga2/icinga2.debug"
"""Where Icinga dumps to; readable by nagios alone, as passwords stand in it, and removed once read."""
VALIDATE = ["runuser", "-u", "nagios", "--", "icinga2", "daemon", "--validate", "--dump-objects"]
PLACES = ("source_location", "debug_info", "package", "version", "templates")
"""Attributes that tell where an object was written, not what it is."""


def objects(dump: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and attributes of each object in a dump: netstrings of JSON (Icinga's ConfigItem::Commit)."""
    for frame in Decoder(len(dump)).feed(dump):
        one = json.loads(frame)
        attributes = {name: value for name, value in one["properties"].items() if name not in PLACES}
        yield f"{one['type']} {one['properties'].get('__name', one['name'])}", attributes


def read(source: Source) -> Aspect:
    """Values by object and attribute."""
    source.machine.run(VALIDATE)
    dump = source.machine.run(["cat", OBJECTS]).stdout.encode()
    source.machine.run(["rm", "-f", OBJECTS])
    aspect = {}
    clean = source.placeholders
    for name, attributes in objects(dump):
        aspect[clean.text(name)] = "present"
        for attribute, value in attributes.items():
            aspect[clean.text(f"{name} {attribute}")] = clean.short(json.dumps(value, sort_keys=True))
    return aspect

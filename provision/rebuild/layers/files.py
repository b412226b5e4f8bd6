"""The files that Puppet owns, as they lie on the disk: owner, mode, content. What a catalog only intends is another aspect."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from provision.rebuild.layers import Source
from provision.rebuild.snapshot import Aspect

LOOK = """
import base64, grp, json, os, pwd, stat, sys
found = {}
for path in json.loads(sys.argv[1]):
    try:
        status = os.lstat(path)
    except OSError as error:
        found[path] = [error.strerror, ""]
        continue
    owner = "%s:%s %o" % (pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name, stat.S_IMODE(status.st_mode))
    if stat.S_ISLNK(status.st_mode):
        found[path] = [owner + " -> " + os.readlink(path), ""]
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as stream:
            found[path] = [owner, base64.b64encode(stream.read()).decode()]
    else:
        found[path] = [owner + " directory " + " ".join(sorted(os.listdir(path))), ""]
json.dump(found, sys.stdout)
"""
"""Runs on the machine, in its own Python; argument: a JSON list of paths."""


def paths(catalog: Mapping[str, Any]) -> list[str]:
    """Paths of a catalog's files."""
    files = [one for one in catalog["resources"] if one["type"] == "File"]
    return sorted(str((one.get("parameters") or {}).get("path", one["title"])) for one in files)


def read(source: Source) -> Aspect:
    """Owner, group, mode and digest of the content by path; directories that Puppet purges with what lies in them."""
    found = json.loads(source.machine.run(["python3", "-", json.dumps(paths(source.catalog))], input=LOOK).stdout)
    clean = source.placeholders
    aspect = {}
    for path, (owner, encoded) in found.items():
        content = base64.b64decode(encoded).decode(errors="replace")
        aspect[clean.text(path)] = f"{clean.short(owner)} {clean.short(content)}".strip()
    return aspect

"""Which packages an image has: read from the Hiera data that Puppet's package resources use, nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from vm.errors import BadInput
from vm.lab import AGENTS

KINDS = {
    "monitor": ("base", "vm", "monitor"),
    "puppet": ("base", "puppet"),
    "fleet": ("base", "fleet"),
    **dict.fromkeys(AGENTS.values(), ("base", "agent")),
}
"""The lists that make up each kind of machine; only the monitor boots as a VM."""
STABLE = "trixie"
LOCKED = ("fleet", "monitor", "puppet")
"""Kinds that have a reference lock. A monitored machine is whatever its release is on the day."""

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")  # Debian policy 5.6.1


def read_list(data: Path, name: str) -> tuple[str, ...]:
    """The packages of one list, sorted.

    Raises BadInput when the file is missing, broken, or names what can be no Debian package.
    """
    path = data / "packages" / f"{name}.yaml"
    try:
        found = yaml.safe_load(path.read_text())[f"packages::{name}"]
    except FileNotFoundError as error:
        raise BadInput(f"there is no package list {name}", str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadInput(f"the package list has no usable key packages::{name}", str(path)) from error
    if not isinstance(found, list) or not found:
        raise BadInput(f"packages::{name} is no list of packages", str(path))
    for package in found:
        if not isinstance(package, str) or not NAME.match(package):
            raise BadInput(f"{package!r} is no name of a Debian package", str(path))
    return tuple(sorted(set(found)))


def suite(kind: str) -> str:
    """The Debian release of a kind of machine. Pure."""
    return next((codename for codename, agent in AGENTS.items() if agent == kind), STABLE)


def packages(data: Path, kind: str) -> tuple[str, ...]:
    """All packages named for a kind of machine, sorted; what they depend on is APT's business."""
    if kind not in KINDS:
        raise BadInput(f"there is no image {kind!r}", "", f"the images are: {', '.join(sorted(KINDS))}")
    return tuple(sorted({package for name in KINDS[kind] for package in read_list(data, name)}))

"""The aspects that a rebuild is compared by. One file an aspect, with a function `read(source)`; the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provision.rebuild.placeholders import Placeholders
from provision.rebuild.snapshot import Aspect
from provision.ssh import Machine
from vm.image.build import Image


@dataclass(frozen=True)
class Source:
    """Where aspects are read from: the monitor over SSH, the catalog that its agent keeps, the image it was made from; and how
    to make values comparable.
    """

    machine: Machine
    catalog: Mapping[str, Any]
    image: Image
    placeholders: Placeholders


def readers() -> dict[str, Callable[[Source], Aspect]]:
    """Every aspect of the folder, by its file's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"provision.rebuild.layers.{name}").read for name in names}

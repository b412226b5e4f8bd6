"""The image that the machine was made from, bit by bit."""

from __future__ import annotations

from provision.rebuild.layers import Source
from provision.rebuild.snapshot import Aspect
from vm.image import debs


def read(source: Source) -> Aspect:
    """Sha256 of the raw disk: the container driver's tree is what the disk was written from."""
    return {"disk.raw": debs.sha256(source.image.disk)}

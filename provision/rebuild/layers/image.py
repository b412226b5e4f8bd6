"""The image that the machine was made from."""

from __future__ import annotations

from provision.rebuild.layers import Source
from provision.rebuild.snapshot import Aspect


def read(source: Source) -> Aspect:
    """Digests of what the build gave."""
    return {"digest": source.image.digest}

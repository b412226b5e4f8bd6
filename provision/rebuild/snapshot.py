"""A rebuilt machine as flat tables, one for each aspect, with everything that is this lab's own replaced; and what it was made from."""

from __future__ import annotations

from vm.artefact import Record

Aspect = dict[str, str]
"""Names to short texts: what is compared, line by line."""


class Snapshot(Record):
    """What a rebuild gave. code: digest of the control repository; lock: digest of the packages' lock; aspects by name."""

    version: int = 1
    lab: str
    driver: str
    code: str
    lock: str
    options: str
    aspects: dict[str, Aspect]

"""A rebuilt machine as flat tables, one for each aspect, with everything that is this lab's own replaced; and what it was made from."""

from __future__ import annotations

from vm.artefact import Record

Aspect = dict[str, str]
"""Names to short texts: what is compared, line by line."""


class Snapshot(Record):
    """What a rebuild gave. code: digest of the control repository; lock: of the packages' lock; recipe: of how images are built;
    options: of what the user asked for; aspects by name.
    """

    version: int = 1
    lab: str
    driver: str
    code: str
    lock: str
    recipe: str
    options: str
    aspects: dict[str, Aspect]

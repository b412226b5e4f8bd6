"""How much a search may spend: lengths and repeats. Pure.

From MLRsearch (draft-ietf-bmwg-mlrsearch-15, 4 November 2025): short trials give hints, only full ones decide; a size is judged by
what share of its trials fail (the exceed ratio), and judging stops as soon as further trials cannot change it.
"""

from __future__ import annotations

from typing import Literal

from loadtest.sizing.trial import Length
from vm.artefact import Record

EXCEED_RATIO = 0.5
"""A size fails when more than this share of its sound trials fail: what FD.io CSIT, where MLRsearch comes from, uses."""


class Goal(Record):
    """How one judgement is made. invalid_retries: how many trials more may be spent on invalid ones."""

    length: Length
    repeats: int
    invalid_retries: int = 2


class Effort(Record):
    """search finds the size, proof decides at it and one step below it. fit_hosts: fleets that the model is fitted on. storms: lengths."""

    name: Literal["quick", "normal", "full"]
    search: Goal
    proof: Goal
    ramp: bool
    storms: tuple[Length, ...]
    fit_hosts: tuple[int, ...]


EFFORTS = {
    one.name: one
    for one in (
        Effort(name="quick", search=Goal(length="short", repeats=1), proof=Goal(length="short", repeats=1), ramp=False, storms=("short",), fit_hosts=()),
        Effort(name="normal", search=Goal(length="short", repeats=1), proof=Goal(length="full", repeats=1), ramp=True, storms=("short", "full"), fit_hosts=(10, 20)),
        Effort(name="full", search=Goal(length="short", repeats=3), proof=Goal(length="full", repeats=3), ramp=True, storms=("short", "full"), fit_hosts=(5, 10, 20)),
    )
}

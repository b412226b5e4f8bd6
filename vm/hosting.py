"""Hosting specs (the machine we want) and offers (what a hoster lists). One offer is one file in vm/offers/.

Owns reading and checking them; what a fleet needs, and which offer fits, is sizing's work.
"""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import Field

from vm.artefact import Record
from vm.errors import BadInput

OFFERS = Path(__file__).parent / "offers"
MIN_MEMORY_MIB = 64
"""One step of sizing's lattice: sizing goes down until something fails, so the type must not stop it first."""

STALE_DAYS = 180
"""From this age on a price is flagged: hosters change theirs several times a year."""


class HostingSpec(Record):
    """The size of a machine. vCPUs may be a fraction where the driver can limit CPU time (containers)."""

    version: Literal[1] = 1
    vcpus: float = Field(gt=0, le=256)
    memory_mib: int = Field(ge=MIN_MEMORY_MIB, le=4 * 1024 * 1024)
    disk_gib: int = Field(ge=1, le=65536)
    offer: str = ""

    def __str__(self) -> str:
        return f"{self.vcpus:g} vCPU, {self.memory_mib} MiB, {self.disk_gib} GiB"


class Source(Record):
    """Where a reader can look a figure up: the page's address and the day it said so."""

    address: str = Field(pattern=r"^https://[^\s]+$")
    date: datetime.date


DEFAULT_SPEC = HostingSpec(vcpus=2, memory_mib=2048, disk_gib=20)
"""A machine of which nobody said anything."""


class Offer(Record):
    """What a hoster lists; prices are of a month, with one IPv4 address where ipv4 is true.

    verified says whether somebody compared it with its source on as_of; an offer that nobody verified is an example.
    reference_units: what bench.host gives for one core of it, where somebody ran it there.
    """

    name: str
    provider: str = Field(min_length=1)
    vcpus: int = Field(gt=0)
    cpu: Literal["shared", "dedicated"]
    memory_mib: int = Field(ge=MIN_MEMORY_MIB)
    disk_gib: int = Field(ge=1)
    disk_kind: Literal["nvme", "ssd", "hdd"]
    eur_per_month_net: float = Field(ge=0)
    eur_per_month_gross: float = Field(ge=0)
    as_of: datetime.date
    verified: bool
    ipv4: bool
    console: bool
    growable: bool
    """Whether it can be made larger without a new installation."""
    root: bool
    """Whether its user is root and may install what they like."""
    reference_units: float | None = Field(default=None, gt=0)
    source: Source | None = None
    note: str = ""

    @pydantic.model_validator(mode="after")
    def _sound(self) -> Offer:
        if self.eur_per_month_net > self.eur_per_month_gross:
            raise ValueError("the net price is above the gross one")
        if self.verified and self.source is None:
            raise ValueError("a verified price needs a source: an address and a date that a reader can open")
        return self

    @property
    def example(self) -> bool:
        """Whether it only shows the form: nobody compared its price with a page that a reader can open."""
        return not self.verified

    @property
    def spec(self) -> HostingSpec:
        """The machine that this offer buys."""
        return HostingSpec(vcpus=self.vcpus, memory_mib=self.memory_mib, disk_gib=self.disk_gib, offer=self.name)

    def age_days(self, today: datetime.date) -> int:
        """How old the price is."""
        return (today - self.as_of).days

    def stale(self, today: datetime.date) -> bool:
        """Whether the price is so old that it must be looked up again."""
        return self.age_days(today) > STALE_DAYS


def _first(error: pydantic.ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    if not place:  # about several keys at once
        return str(found["msg"]).removeprefix("Value error, ")
    return f"{place}: {found['msg']}" + ("" if found["type"] == "missing" else f" (is {found['input']!r})")


def offer_names(folder: Path = OFFERS) -> tuple[str, ...]:
    """The names that `load_offer` takes, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load_offer(name: str, folder: Path = OFFERS) -> Offer:
    """Read one offer by its file's name. Raises BadInput for an unknown name or a file that is no offer."""
    names = offer_names(folder)
    if name not in names:
        close = difflib.get_close_matches(name.lower(), names, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise BadInput(
            f"there is no offer named {name!r}", str(folder), f"{hint}there are: {', '.join(names) or 'none'}"
        )
    path = folder / f"{name}.toml"
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Offer.model_validate({**content, "name": name})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is no TOML: {error}", str(path), "correct the file") from error
    except pydantic.ValidationError as error:
        raise BadInput(f"{path.name} is no offer: {_first(error)}", str(path), "correct the file") from error


def load_offers(folder: Path = OFFERS) -> tuple[Offer, ...]:
    """Every offer, by name."""
    return tuple(load_offer(name, folder) for name in offer_names(folder))


def hosting_spec(vcpus: float, memory_mib: int, disk_gib: int) -> HostingSpec:
    """Check a size that a user gave. Raises BadInput that names the bad figure."""
    try:
        return HostingSpec(vcpus=vcpus, memory_mib=memory_mib, disk_gib=disk_gib)
    except pydantic.ValidationError as error:
        raise BadInput(
            f"no machine has this size: {_first(error)}",
            "--vcpus, --memory, --disk",
            f"give positive numbers, and at least {MIN_MEMORY_MIB} MiB",
        ) from error


def sized(base: HostingSpec, vcpus: str, memory: str, disk: str) -> HostingSpec:
    """The size that a user's words ask for; base has what they leave out. Raises BadInput that names the bad one."""
    found = []
    for option, word, kind, has in (("--vcpus", vcpus, float, base.vcpus), ("--disk", disk, int, base.disk_gib)):
        try:
            found.append(kind(word) if word else has)
        except ValueError as error:
            raise BadInput(f"{word!r} is no {'number' if kind is float else 'whole number'}", option, f"write for example {option} {DEFAULT_SPEC.disk_gib if kind is int else 2}") from error
    return hosting_spec(found[0], parse_memory(memory) if memory else base.memory_mib, int(found[1]))


def parse_memory(text: str) -> int:
    """MiB from `2048`, `2G` or `512M`. Raises BadInput."""
    found = re.fullmatch(r"(\d+)\s*(|M|MB|MiB|G|GB|GiB)", text.strip(), re.IGNORECASE)
    if not found:
        raise BadInput(f"{text!r} is no amount of memory", "--memory", "write for example 2048, 2048M or 2G")
    return int(found[1]) * (1024 if found[2].lower().startswith("g") else 1)

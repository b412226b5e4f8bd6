"""Which offer carries the need, and what it costs. Pure. An example is never an answer; prices compared are gross."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from loadtest.sizing.headroom import Need
from vm.artefact import Record
from vm.hosting import Offer

THIS_CPU = "for this CPU only"
NOT_ASSESSED = "price not assessed: add your hoster's offers"


class Match(Record):
    """An offer beside the need. lacks: what it has too little of or has not; empty when it carries the need. flags: what to know."""

    offer: Offer
    lacks: tuple[str, ...]
    flags: tuple[str, ...]


class Price(Record):
    """The cheapest offer that counts, within the budget; or none, and why. would: what would fit, in words, where nothing does."""

    budget_eur: float
    pick: Match | None
    eur_per_month: float | None
    reason: str
    would: str = ""
    matches: tuple[Match, ...]


def match(offer: Offer, need: Need, disk_gib: int | None, today: datetime.date) -> Match:
    """Whether an offer carries the need and has the MUSTs of hosting: console, IPv4, root, growable."""
    known = offer.reference_units is not None and need.reference_units is not None
    ratio = offer.reference_units / need.reference_units if offer.reference_units and need.reference_units else 1.0
    lacks = []
    if not need.carried_by(offer.vcpus * ratio, offer.vcpus):
        lacks.append(f"CPU: {offer.vcpus} vCPU are too few")
    if offer.memory_mib < need.memory_mib:
        lacks.append(f"memory: {offer.memory_mib} of {need.memory_mib:.0f} MiB")
    if disk_gib is not None and offer.disk_gib < disk_gib:
        lacks.append(f"disk: {offer.disk_gib} of {disk_gib} GiB")
    for has, what in ((offer.console, "console"), (offer.ipv4, "IPv4 address"), (offer.root, "root"), (offer.growable, "way to grow")):
        if not has:
            lacks.append(f"no {what}")
    flags = []
    if offer.example:
        flags.append("an example: nobody compared it with the hoster's list")
    if offer.stale(today):
        flags.append(f"price of {offer.as_of}, older than 180 days: look it up again")
    if not known:
        flags.append(f"CPU {THIS_CPU}: no reference figure of this offer" if need.reference_units else f"CPU {THIS_CPU}: bench.host was not run")
    if offer.cpu == "shared":
        flags.append("shared CPU: others on the host can slow it down")
    return Match(offer=offer, lacks=tuple(lacks), flags=tuple(flags))


def price(offers: Iterable[Offer], need: Need, disk_gib: int | None, budget_eur: float, today: datetime.date) -> Price:
    """The cheapest verified offer that carries the need within the budget; what is known where there is none."""
    matches = sorted((match(offer, need, disk_gib, today) for offer in offers), key=lambda one: (one.offer.eur_per_month_gross, one.offer.name))
    fitting = [one for one in matches if not one.lacks]
    counted = [one for one in fitting if not one.offer.example]
    found = Price(budget_eur=budget_eur, pick=None, eur_per_month=None, reason="", matches=tuple(matches))
    if counted and counted[0].offer.eur_per_month_gross <= budget_eur:
        best = counted[0]
        cheaper = [one.offer.name for one in fitting[: fitting.index(best)]]
        unassessed = [f"cheaper ones are examples, whose price is not assessed ({', '.join(cheaper)}): add your hoster's offers"] if cheaper else []
        return found.model_copy(update={"pick": best, "eur_per_month": best.offer.eur_per_month_gross, "reason": "; ".join([*unassessed, *best.flags])})
    would = wanted(need, disk_gib)
    if counted:
        offer = counted[0].offer
        over = offer.eur_per_month_gross - budget_eur
        reason = f"none fits: {offer.name} is the cheapest that carries it, {over:.2f} EUR above the budget of {budget_eur:g} EUR"
    elif fitting:
        reason, would = NOT_ASSESSED, would
    else:
        reason = "none fits: no offer carries the need"
    return found.model_copy(update={"reason": reason, "would": would})


def wanted(need: Need, disk_gib: int | None) -> str:
    """What an offer must have, in words."""
    cpu = f"{need.cell.vcpus:g} vCPU" if need.cell else f"more than 4 vCPU ({need.burst_cores:.1f} cores of the measured CPU)"
    disk = f", {disk_gib} GiB of disk" if disk_gib is not None else ""
    return f"{cpu}, {need.order_mib} MiB{disk}, a console, an IPv4 address, root, a way to grow"

"""The measurement for a terminal. Owns no figure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from loadtest.collecting.fit import ENDLESS
from loadtest.collecting.once import NAMES
from loadtest.collecting.result import KINDS, Found, WayFound
from loadtest.estimate import Estimate


def show(found: Found, out: Console) -> None:
    """Print verdict, costs, whole runs, and what they were taken on."""
    for why in found.invalid:
        out.print(f"[bold red]INVALID[/bold red]: {why}", soft_wrap=True)
    for what in found.missed:
        out.print(f"[bold red]missed[/bold red]: {what}", soft_wrap=True)
    out.print(f"{found.hosts} hosts with {found.services} services: the collectors cost [bold]{_of(found.ratio, 1)}[/bold] times what ours costs", soft_wrap=True)
    out.print(costs(found))
    out.print(icinga(found))
    for line in notes(found):
        out.print(line, soft_wrap=True)


def costs(found: Found) -> Table:
    """What the objects cost each way, beside whole runs."""
    shown = Table("way", "run", "objects cost, s", "compile", "apply", "other", "store", "CPU s", "whole run, s", "without", box=None, pad_edge=False)
    for way in found.ways:
        for kind in KINDS:
            parts = way.parts_s[kind]
            shown.add_row(
                way.way if kind == "first" else "", kind, _of(way.cost_s[kind]), *(f"{parts[it].value:.2f}" for it in ("compile_s", "apply_s", "other_s", "store_s")),
                f"{way.cpu_s[kind].value:.2f}", f"{way.whole_run_s[kind].value:.1f}", f"{way.empty_run_s.value:.1f}",
            )  # fmt: skip
    return shown


def icinga(found: Found) -> Table:
    """What is the same for every way, or belongs to Icinga."""
    shown = Table("way", "queries", "exponent", "heap MiB", "files", "validate, s", "reload, s", box=None, pad_edge=False)
    for way, taken in zip(found.ways, found.icinga, strict=True):
        shown.add_row(
            way.way, str(way.queries), _worst(way), f"{way.heap.rise_mib:.0f}" if way.heap else "", str(taken.files), f"{taken.validate_s:.1f}", f"{taken.reload_s:.1f}",
        )  # fmt: skip
    return shown


def notes(found: Found) -> Iterator[str]:
    """What has to stand beside the figures."""
    same = "the same for all ways" if not found.differing else f"{len(found.differing)} or more differ"
    yield f"objects      {found.objects} of Icinga, {same}"
    yield f"ours fitted  {found.sizes[0]} to {found.sizes[-1]} objects, cost = b n^k: k = {_of(found.exponent, 3) if found.exponent else 'hidden by noise'}"
    yield f"unchanged    the monitor's whole run {found.idle.seconds:.1f} s, {found.idle.changed} changed, Icinga {'left alone' if found.idle.left_alone else 'TOUCHED'}"
    on = found.ran_on
    yield f"ran on       {on.cores} x {on.cpu_model}, {on.driver} ({on.accelerator}); others took {on.noise_before:.0%} before and {on.noise_during:.0%} during"
    yield f"took         {found.seconds:.0f} s, {len(found.runs)} runs; {found.warmed} before them were thrown away"
    yield "ways         " + "; ".join(f"{way}: {text}" for way, text in NAMES.items())


def _of(one: Estimate, digits: int = 2) -> str:
    high = f"to {one.high:.{digits}f}" if one.high < ENDLESS else "and more"
    return f"{one.value:.{digits}f} ({one.low:.{digits}f} {high})"


def _worst(way: WayFound) -> str:
    if not way.exponent:
        return ""
    return _of(max(way.exponent.values(), key=lambda it: it.value))

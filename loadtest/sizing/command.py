"""What `size`, `report` and `compare` do: where runs are kept, who makes them, and the answer in words."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from rich.table import Table

from loadtest import lab_trials, vm_extra
from loadtest.ran_on import ran_on
from loadtest.run import Run
from loadtest.sizing import lattice
from loadtest.sizing.answer import Sizing, answer, verdict
from loadtest.sizing.ledger import Finished, Ledger
from loadtest.sizing.request import Request, request
from loadtest.sizing.size import size
from vm import artefact
from vm.errors import BadInput
from vm.hosting import load_offers
from vm.lab import Lab
from vm.progress import note

KEPT = Path("/var/cache/watchpost/sizes")
"""Beside the images: destroying a lab must not take its runs along."""

REQUEST = "request.json"
"""Beside the runs: what they were made for."""


def folder(lab: Lab, runs: str, recorded: str = "") -> Path:
    """Where runs are: of a lab, or where the user says. Raises BadInput for a recorded set that is none."""
    if runs and recorded:
        raise BadInput("--runs and --recorded exclude each other", "", "--recorded only reads, --runs also makes what is missing")
    if recorded and not (Path(recorded) / REQUEST).is_file():
        raise BadInput(f"{recorded} holds no recorded runs", recorded, f"name a directory with {REQUEST} and runs")
    return Path(recorded or runs) if recorded or runs else KEPT / lab.name


def run_size(
    lab: Lab, *, hosts: str, services: str, growth: str, budget: str, quick: bool, full: bool, runs: str, recorded: str, start: str = ""
) -> Sizing:
    """Size a fleet: on recorded runs, or with runs of the lab. The same words again go on where they stopped."""
    where = folder(lab, runs, recorded)
    if recorded:
        asked = request(hosts, services, growth, budget, quick=quick, full=full, base=artefact.load(Request, where / REQUEST), start=start)
        return size(asked, Ledger(where), load_offers(), today(), None)
    asked = request(hosts, services, growth, budget, quick=quick, full=full, base=Request(cores=os.cpu_count() or 1), start=start)
    note(f"size: {asked.hosts} hosts x {asked.services} services, runs in {where}")
    larger = [f"{vcpus:g}" for vcpus in lattice.VCPUS if vcpus not in lattice.measurable(asked.cores)]
    if larger:
        note(f"this host has {asked.cores} cores: {', '.join(larger)} vCPU can only be predicted")
    with lab_trials.trials(lab, where / "raw", asked.load) as made:
        asked = asked.model_copy(update={"context": lab_trials.context(made), **vm_extra.known(ran_on(made.own.options).lock_sha256)})
        artefact.save(asked, where / REQUEST)
        return size(asked, Ledger(where), load_offers(), today(), made.trial_at)


def recall(lab: Lab, runs: str, recorded: str) -> Sizing:
    """The sizing that finished runs give, without making any."""
    where = folder(lab, runs, recorded)
    if not (where / REQUEST).is_file():
        raise BadInput("there are no runs to tell of yet", str(where), "make them with `invoke size`, or name their directory with --runs")
    return size(artefact.load(Request, where / REQUEST), Ledger(where), load_offers(), today(), None)


def read_run(word: str, where: Path) -> Run:
    """A run by its file, or by its name among those of a directory. Raises BadInput."""
    path = Path(word)
    if path.is_file():
        try:
            return artefact.load(Finished, path).run
        except BadInput:
            return artefact.load(Run, path)
    named = [one.run for one in Ledger(where).all() if one.run.name == word]
    if not named:
        raise BadInput(f"there is no run {word!r}", str(where), "name a run as the report does, or its file")
    return named[-1]


def today() -> datetime.date:
    """The day for the age of prices."""
    return datetime.datetime.now(datetime.UTC).date()


def table(sizing: Sizing) -> Table:
    """The answer for a terminal."""
    short = answer(sizing)
    shown = Table(show_header=False, box=None, pad_edge=False)
    for caveat in short.caveats:
        shown.add_row("note", caveat)
    what = "smallest" if sizing.found and sizing.found.chosen else "predicted, not run"
    shown.add_row("verdict", verdict(sizing) + (f": {short.why}" if short.why else ""))
    if short.vcpus is not None or short.memory_mib is not None:
        cpu = f"{short.vcpus:g} vCPU" if short.vcpus is not None else "more than 4 vCPU"
        shown.add_row(what, f"{cpu}, {short.memory_mib or '?'} MiB")
    if sizing.need and sizing.need.cell:
        shown.add_row("order", f"{sizing.need.cell}, {short.disk_gib or '?'} GiB, for {sizing.request.growth:g} times the fleet")
    shown.add_row("price", f"{short.eur_per_month:.2f} EUR a month: {short.offer}; {short.eur_reason}" if short.eur_per_month is not None else short.eur_reason)
    for failing in short.failing_runs:
        value = f"{failing.value:.3g}" if failing.value is not None else "?"
        shown.add_row("below it", f"{failing.vcpus:g} vCPU, {failing.memory_mib} MiB breaks {failing.objective}: {value}, target {failing.target:g}")
    shown.add_row("limit", short.limiting_resource or "not known")
    for limit in sizing.limits:
        ends = "does not end before" if limit.how == "at least" else "ends at"
        shown.add_row("", f"{limit.resource} {ends} {limit.multiple:.1f} times the load ({limit.how}: {limit.evidence})")
    for line in sizing.compared:
        measured = f"{line.measured.value:.3g}" if line.measured else "not measured"
        shown.add_row("model", f"{line.what}: predicted {line.predicted.value:.3g} ({line.predicted.low:.3g} to {line.predicted.high:.3g}), measured {measured} {line.unit}")
    return shown

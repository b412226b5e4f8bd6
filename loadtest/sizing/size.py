"""A sizing from request to answer: fit, search, prove, ramp, predict, add headroom, price. Runs come from the bench."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from loadtest.run import Load, Run
from loadtest.sizing import lattice
from loadtest.sizing.answer import Sizing, caveats
from loadtest.sizing.bench import Bench, NotMade
from loadtest.sizing.disk import disk_of
from loadtest.sizing.effort import EFFORTS, Effort
from loadtest.sizing.headroom import Need, need
from loadtest.sizing.lattice import AMPLE_MIB, Cell
from loadtest.sizing.ledger import Ledger
from loadtest.sizing.limits import limiting, limits
from loadtest.sizing.model import compare, fit_model
from loadtest.sizing.predicted import Predicted, estimate, larger, predict
from loadtest.sizing.pricing import price
from loadtest.sizing.request import Request
from loadtest.sizing.rules_of_thumb import rules
from loadtest.sizing.search import Found, Search
from loadtest.sizing.trial import RAMP, STORM, TrialAt
from loadtest.sizing.watch import Watch
from vm.hosting import Offer
from vm.progress import Stages

FIT_REPEATS = 2
SEARCH_TRIALS = 4 + 3 * 2 + 4 * 2
"""About: the largest size, three steps in vCPUs, four in memory."""
START_TRIALS = 1
"""The outage; what is near was found before."""
PROOF_TRIALS = 4 + 2 * 2 + 2


def size(
    request: Request, ledger: Ledger, offers: Iterable[Offer], today: datetime.date, trial_at: TrialAt | None, stages: Stages | None = None
) -> Sizing:
    """Size a fleet. Without trial_at only what the ledger has counts; what is missing makes the answer unfinished, and says so."""
    effort = EFFORTS[request.effort]
    planned = 4 if effort.name == "quick" else 2 + (START_TRIALS if request.start else SEARCH_TRIALS) + PROOF_TRIALS + len(effort.fit_hosts) * 2 * FIT_REPEATS
    bench = Bench(ledger, trial_at, request.context, Watch(planned, stages))
    search = Search(bench, request.load, effort, request.cores, request.disk_gib, request.start)
    found, unfinished = None, ""
    try:
        fit_on(bench, request, effort.fit_hosts)
        found = search.find()
        ramp_at(bench, request, effort, found)
        storm_at(bench, request, effort, found)
    except NotMade as missing:
        unfinished = f"{missing.what}; {missing.todo}"
        found = found or search.so_far(unfinished)
    return conclude(request, found, unfinished, tuple(bench.served.values()), offers, today)


def fit_on(bench: Bench, request: Request, hosts: tuple[int, ...]) -> None:
    """Runs of small fleets on the largest machine, for the model; also where the fleet itself is smaller: two points make a line."""
    vcpus = lattice.measurable(request.cores)
    if not vcpus:
        return
    spec = Cell(vcpus=vcpus[-1], memory_mib=AMPLE_MIB).spec(request.disk_gib)
    for count in hosts:
        load = Load(hosts=count, services=request.services, interval_s=request.interval_s)
        for scenario in ("steady", "collect"):
            bench.sound(spec, load, scenario, length="short", count=FIT_REPEATS)
    if hosts:
        bench.sound(spec, request.load, "steady", length="short")  # what the model's prediction is held against


def ramp_at(bench: Bench, request: Request, effort: Effort, found: Found) -> None:
    """One ramp on the size that was found: how far it carries, and what ends first."""
    if effort.ramp and found.chosen is not None:
        bench.sound(found.chosen.spec(request.disk_gib), request.load, RAMP, length="short")


def storm_at(bench: Bench, request: Request, effort: Effort, found: Found) -> None:
    """Storms, for the disk: on the size that was found, else on the largest that can be measured. A longer one checks what a short one says."""
    vcpus = lattice.measurable(request.cores)
    cell = found.chosen or (Cell(vcpus=vcpus[-1], memory_mib=AMPLE_MIB) if vcpus else None)
    if cell is not None:
        for length in effort.storms:
            bench.sound(cell.spec(request.disk_gib), request.load, STORM, length=length)


def conclude(
    request: Request, found: Found | None, unfinished: str, runs: tuple[Run, ...], offers: Iterable[Offer], today: datetime.date
) -> Sizing:
    """What runs and a search say together. Pure."""
    load = request.load
    model = fit_model(runs)
    known = limits(runs, model)
    contained = any(run.ran_on.driver == "container" for run in runs)
    vm_memory = (request.vm_memory_mib or 0) if contained else 0
    vm_disk = (request.vm_disk_mib or 0) if contained else 0
    disk = disk_of(runs, request.hosts * request.growth, request.services, vm_disk_mib=vm_disk)
    predicted = None
    if found is None or found.chosen is None:
        predicted = (estimate(runs) if request.effort == "quick" else None) or predict(load, model)
    base = found.chosen if found and found.chosen else _cell(predicted)
    needed: Need | None = need(base, load, request.growth, model, vm_memory) if base else None
    return Sizing(
        request=request,
        caveats=caveats(runs, request.effort),
        found=found,
        unfinished=unfinished,
        model=model,
        compared=compare(model, load, runs),
        rules=rules(request.hosts, request.services),
        limits=known,
        limiting_resource=limiting(found.edges if found else (), known),
        predicted=predicted,
        larger=larger(load, model, request.cores, max((one.multiple for one in known if one.resource == "cpu" and one.how == "at least"), default=0)),
        need=needed,
        disk=disk,
        price=price(offers, needed, disk.gib if disk else None, request.budget_eur, today) if needed else None,
        runs=runs,
    )


def _cell(predicted: Predicted | None) -> Cell | None:
    if predicted is None or predicted.vcpus is None or predicted.memory_mib is None:
        return None
    return Cell(vcpus=predicted.vcpus, memory_mib=predicted.memory_mib)

"""`invoke bench.collect`: three ways of collecting the same objects, taken in turns on one lab, and what each costs.

Owns the order of the runs. What a run costs is in once.py, what follows from the runs in result.py.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from loadtest.collecting import fit, here, icinga, idle, result
from loadtest.collecting.machines import Machines
from loadtest.collecting.once import WAYS, Once, Way
from loadtest.collecting.result import Found, Heap
from loadtest.estimate import Estimate
from loadtest.ran_on import ran_on
from provision import checks
from provision.options import Options, read
from provision.raising import raise_lab, raze_lab
from vm import lab as labs
from vm.errors import BadInput
from vm.hosting import HostingSpec
from vm.lab import Lab
from vm.progress import note

HOSTS, SERVICES = 50, 20
SCALE = (50, 150, 477)
"""Hosts of the fleets that our own way is fitted on: with 20 services and the host object each, 1,050 to 10,017 objects."""
SCALE_OF_OTHERS = (50, 150)
"""The others get no further in the time there is; the larger fleet is taken once."""
OURS_A_ROUND = 3
"""Ours is over so soon that it needs more repeats for the same certainty."""
WARM = 3
"""Passes of each way that are thrown away: the server compiles with two interpreters, which load and optimise code of their own."""
LOOK_S = 5.0
"""How long the host is looked at before anything begins."""
NAME = "bench-collect"


def collect(named: Lab | None, rounds: int) -> Found:
    """Measure. named: a running lab, left as it was; None makes one of its own, which is gone afterwards.

    Raises BadInput for too few rounds, WatchpostError when Puppet or Icinga fails.
    """
    if rounds < 5:
        raise BadInput(f"{rounds} rounds say too little", "--rounds", "give 5 or more")
    checks.root("invoke bench.collect")
    began = time.monotonic()
    with a_lab(named) as lab, labs.hold(lab, "invoke bench.collect"):
        calm = here.Noise()
        time.sleep(LOOK_S)
        before = calm.share()
        on = Machines(lab)
        try:
            note("environment and made hosts")
            on.deploy()
            on.populate(SERVICES, SCALE)
            noise = here.Noise(on.used_s())
            runs, warmed = measure(on, rounds)
            during = noise.share(on.used_s())
            heaps = {way: heap(on, way) for way in WAYS}
            objects, differing, taken = taken_in(on)
            quiet = left_alone(on)
        finally:
            on.remove()
        machine = ran_on(read(lab), noise_before=before, noise_during=during)
    ratios = result.ratios(runs, HOSTS)
    ways = tuple(result.way_found(runs, way, HOSTS, heaps[way]) for way in WAYS)
    ours = ways[WAYS.index("query")]
    ratio = min(ratios.values(), key=lambda it: it.value)
    exponent = max(ours.exponent.values(), key=lambda it: it.value, default=None)
    return Found(
        hosts=HOSTS, services=SERVICES, objects=objects, sizes=tuple(size * (SERVICES + 1) for size in SCALE), ratio=ratio, ratios=ratios,
        queries=Estimate.exact(ours.queries), exponent=exponent, ways=ways, icinga=taken, idle=quiet, warmed=warmed,
        seconds=round(time.monotonic() - began, 1), ran_on=machine, differing=tuple(differing[:20]),
        invalid=result.invalid(runs, HOSTS, ratios, differing), missed=result.missed(ratio, exponent, ours.queries, quiet), runs=tuple(runs),
    )  # fmt: skip


@contextmanager
def a_lab(named: Lab | None) -> Iterator[Lab]:
    """The lab that was named, or a small one for the time being."""
    if named is not None:
        yield named
        return
    own = labs.of_name(NAME)
    raze_lab(own, "invoke bench.collect")
    try:
        size = HostingSpec(vcpus=max(1, os.cpu_count() or 1), memory_mib=2048, disk_gib=20)
        raise_lab(own, Options(hosts=2, services=SERVICES, driver="container", spec=size), "invoke bench.collect")
        yield own
    finally:
        raze_lab(own, "invoke bench.collect")


def measure(on: Machines, rounds: int) -> tuple[list[tuple[int, Once]], int]:
    """All runs, each with the number of its pass; and how many were thrown away before."""
    passes = 0
    for _ in range(WARM):
        for way in WAYS:
            passes += len(list(one_pass(on, way, (HOSTS,))))
    note(f"warmed by {passes} runs")
    runs: list[tuple[int, Once]] = []
    number = 0
    for turn in range(rounds):
        for step in range(len(WAYS)):
            way = WAYS[(turn + step) % len(WAYS)]
            sizes = SCALE if way == "query" else SCALE_OF_OTHERS if turn < 1 else (HOSTS,)
            for again in range(OURS_A_ROUND if way == "query" else 1):
                runs += [(number, one) for one in one_pass(on, way, (HOSTS,) if again else sizes)]
                number += 1
        far = {way: f"{fit.median(result.costs(runs, way, 'unchanged', HOSTS)).value:.2f}" for way in WAYS}
        note(f"round {turn + 1} of {rounds}; objects of an unchanged run cost so far (s): {far}")
    return runs, passes


def one_pass(on: Machines, way: Way, sizes: tuple[int, ...]) -> Iterator[Once]:
    """Runs without objects at both ends, for each size a first and an unchanged one between them.

    One more run comes before all of them and is thrown away: it pays for what the way before it left behind, memory above all.
    """
    on.clear(way)
    on.run(way, "none", 0, 0)
    yield on.run(way, "none", 0, 0)
    for hosts in sizes:
        on.clear(way)
        yield on.run(way, "first", hosts, hosts * (SERVICES + 1))
        yield on.run(way, "unchanged", hosts, hosts * (SERVICES + 1))
    on.clear(way)
    yield on.run(way, "none", 0, 0)


def heap(on: Machines, way: Way) -> Heap:
    """One more run, while somebody looks at the Puppet server's heap all the time."""
    on.clear(way)
    seen = [on.heap()]
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            seen.append(on.heap())

    watcher = threading.Thread(target=look, name="heap")
    watcher.start()
    try:
        on.run(way, "first", HOSTS, HOSTS * (SERVICES + 1))
    finally:
        stop.set()
        watcher.join()
    return Heap(rise_mib=round(rise([used for used, _ in seen]), 1), collecting_s=round(seen[-1][1] - seen[0][1], 3))


def rise(used: list[float]) -> float:
    """All the ways up in a row of figures together: what was allocated, as far as the looks are close enough (pure)."""
    return sum(max(0.0, after - before) for before, after in zip(used, used[1:], strict=False))


def taken_in(on: Machines) -> tuple[int, list[str], tuple[icinga.TakenIn, ...]]:
    """How many objects there are, what differs between the ways, and Icinga's part of the work."""
    note("Icinga's objects of each way")
    found = {}
    for way in WAYS:
        on.run(way, "first", HOSTS, HOSTS * (SERVICES + 1))
        found[way] = icinga.resolved(on, way)
    ours = found["query"][0]
    differing = [f"{way}: {what}" for way in WAYS for what in icinga.differences(found[way][0], ours)]
    taken = tuple(icinga.taken_in(on, way, len(found[way][0]), HOSTS, found[way][1]) for way in WAYS)
    return len(ours), differing, taken


def left_alone(on: Machines) -> idle.Idle:
    """The monitor's own run, twice: the first may have something to mend, the second may not."""
    idle.run(on)
    return idle.run(on)

"""The monitor at another size for a while: limits and CPUs of its running container, its services tuned by Puppet for it, all undone.

A size is tried as a machine of that size would come up: services stopped, limits set, services started, Puppet's run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from loadtest.rig import LIVE_S, Rig
from provision import deployment, lab_plan, pushing
from provision.lab_plan import CONTROL_REPO
from vm import cgroups
from vm.errors import BadInput, WatchpostError
from vm.hosting import HostingSpec
from vm.progress import note

TUNED_S = 240.0
"""For the run that tunes services for a size: eight times what a collecting run may take. A starved machine took 514 s, and failed."""
STACK = ("icinga2", "icingadb", "php8.4-fpm", "nginx", "postfix", "tor", "valkey-server", "postgresql")
"""Stopped from left to right, started from right to left."""


def own_cpus(vcpus: float, cores: int) -> tuple[str, str]:
    """CPUs of the monitor and of everything else, as the kernel lists them; both empty where it can have none of its own. Pure."""
    mine = math.ceil(vcpus)
    if mine > cores - 1:
        return "", ""
    return listed(cores - mine, cores), listed(0, cores - mine)


def listed(first: int, end: int) -> str:
    """A range of CPUs."""
    return str(first) if end - first == 1 else f"{first}-{end - 1}"


def numbers(cpus: str) -> list[int]:
    """The CPUs of a range; every one of the host for an empty word."""
    return sorted(cgroups.numbers(cpus) if cpus else os.sched_getaffinity(0))


@contextmanager
def harness_on(cpus: str) -> Iterator[None]:
    """This process and its threads on these CPUs meanwhile, so that the probes do not take the monitor's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, numbers(cpus))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def limit(rig: Rig, spec: HostingSpec) -> str:
    """Set limits and CPUs; the CPUs of everything else, empty where the monitor has none of its own. Raises BadInput for a monitor that is no container."""
    if rig.options.driver != "container":
        raise BadInput("only a monitor in a container changes its size while it runs", rig.lab.name, "provision with --driver container")
    mine, others = own_cpus(spec.vcpus, os.cpu_count() or 1)
    cgroups.resize(rig.lab.name, "monitor", spec.vcpus, spec.memory_mib, mine)
    for kind in ("puppet", "fleet"):
        cgroups.pin_machine(rig.lab.name, kind, others)
    return others


def become(rig: Rig, spec: HostingSpec) -> Rig:
    """Come up with this size; the rig at that size. Raises WatchpostError when the machine does not come up with it."""
    machine = rig.connect("monitor")
    note(f"monitor: comes up with {spec}")
    machine.run(["systemctl", "stop", *STACK])
    limit(rig, spec)
    machine.run(["systemctl", "start", *reversed(STACK)])
    machine.close()
    changed = tuned(rig, spec)
    pushing.wait_live(rig.lab, rig.work.plan.nodes, rig.work.plan.ca, len(rig.hosts), LIVE_S)
    return changed


def tuned(rig: Rig, spec: HostingSpec) -> Rig:
    """Tell Puppet the size and let the monitor's agent tune the services for it."""
    asked = rig.options.model_copy(update={"spec": spec})
    work = rig.work
    plan = lab_plan.plan(rig.lab, asked, work.secrets, work.plan.server, rig.lab.gateway)
    if plan.files != work.plan.files:
        # the next provision has to put things right, whatever becomes of this command
        work.ledger.forget("deploy", "monitor", "monitor again")
        machine = rig.connect("puppet")
        deployment.deploy(machine, CONTROL_REPO, plan.files)
        machine.close()
        replace(work, plan=plan).agent_run("monitor", timeout_s=TUNED_S)
    return replace(rig, options=asked, work=replace(work, plan=plan))


def release(rig: Rig) -> None:
    """The lab's own limits again, and every CPU for everybody."""
    spec = rig.options.spec
    cgroups.resize(rig.lab.name, "monitor", spec.vcpus, spec.memory_mib)
    for kind in ("puppet", "fleet"):
        cgroups.pin_machine(rig.lab.name, kind, "")


def give_back(rig: Rig) -> None:
    """The machine at its own size again, its services running and tuned for it."""
    note(f"monitor: goes back to {rig.options.spec}")
    release(rig)
    machine = rig.connect("puppet")
    deployment.deploy(machine, CONTROL_REPO, rig.work.plan.files)
    machine.close()
    try:
        machine = rig.connect("monitor")
        machine.run(["systemctl", "restart", *reversed(STACK)])
        machine.close()
        rig.work.agent_run("monitor")
    except WatchpostError as error:
        note(f"the monitor is not back at its own size: {error.what}; `invoke provision` puts it right")


@contextmanager
def restored(rig: Rig) -> Iterator[None]:
    """Give the machine its own size back in the end."""
    try:
        yield
    finally:
        give_back(rig)

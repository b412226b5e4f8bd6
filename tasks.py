"""The table of contents: words in, one function called, its record shown. `invoke --list` names all tasks."""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from invoke import Collection, Context, Exit, task
from rich.console import Console

from loadtest import agents_bench, freeze, probing, scenarios, vm_extra
from loadtest import command as loadtest
from loadtest.collecting import bench as collecting
from loadtest.collecting import table as collecting_table
from loadtest.reference import bench as host_bench
from loadtest.report import comparison, render
from loadtest.report.evidence import lay
from loadtest.sizing import command as sizing
from loadtest.sizing.answer import answer
from provision import bench, checks, own_server, quality, resize, status, visit
from provision.accept import acceptance
from provision.accept import files as accept_files
from provision.lab_plan import CONTROL_REPO
from provision.raising import raise_lab, raze_lab
from provision.rebuild import run
from puppet_fixtures import plan as planning
from puppet_fixtures.plan import report
from vm import doctor, hosting, lab, logs, progress
from vm.command import end_running
from vm.drivers import driver
from vm.errors import BadInput, WatchpostError, in_words
from vm.image import bench as image_bench
from vm.image import build, lock, move
from vm.image import settings as image_settings
from vm.image import verify as image_verify
from vm.image.packages import LOCKED
from vm.secret_store import SecretStore

CHECKOUT = Path(__file__).resolve().parent
OUT = Console(highlight=False)
TIDY_S = 3.0
"""How long an interrupted command waits for its other threads; what hangs on a machine's answer may take minutes."""
LAB = {"lab": "name of the lab; by default it follows from this checkout"}
JSON = {"json": "print JSON instead of a table"}


def command(body: Callable[..., Any]) -> Callable[..., Any]:
    """Errors in words: exit code 2 for bad input, 1 for failures, 130 after Ctrl-C; never a stack trace, which is in the log that the words name."""
    of_a_lab = "lab" in inspect.signature(body).parameters

    @functools.wraps(body)
    def wrapped(c: Context, *args: Any, **words: Any) -> None:
        try:
            logs.begin(named(words.get("lab", "")) if of_a_lab else None)
            body(c, *args, **words)
        except Exit:
            raise
        except WatchpostError as error:
            raise ending(error) from None
        except OSError as error:
            raise ending(in_words(error)) from None
        except Exception as error:  # a defect of ours: the user gets a sentence, the log the whole story
            raise ending(WatchpostError(f"an unexpected {type(error).__name__}: {error}")) from None
        except KeyboardInterrupt:
            stop_at_once()

    return wrapped


def ending(error: WatchpostError) -> Exit:
    """How a command ends that failed, while the exception is handled. What the user has to say otherwise needs no log."""
    log = logs.present()
    progress.LOG.debug("failed", exc_info=True)
    return Exit(f"watchpost: {error}" + (f"\n  whole story: {log}" if log and error.exit_code == 1 else ""), code=error.exit_code)


def stop_at_once() -> NoReturn:
    """After Ctrl-C: end the programs we wait for, let other threads tidy up for a moment, and leave; every stage bears that."""
    threading.excepthook = lambda _: None  # what their connections say when they break is nobody's business now
    print("watchpost: interrupted; the same command again goes on from here", file=sys.stderr, flush=True)
    end_running()
    end = time.monotonic() + TIDY_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, end - time.monotonic()))
    os._exit(130)


def named(name: str) -> lab.Lab:
    """The lab of --lab, or this checkout's."""
    return lab.of_name(name) if name else lab.of_checkout(CHECKOUT)


def spec_of(one: lab.Lab, offer: str, vcpus: str, memory: str, disk: str) -> hosting.HostingSpec:
    """The hosting spec that the words describe; single words override the offer's, or what the lab has."""
    return hosting.sized(hosting.load_offer(offer).spec if offer else checks.present(one).spec, vcpus, memory, disk)


def show_status(one: lab.Lab, as_json: bool) -> None:
    """Print a lab's status."""
    found = status.read(one)
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(status.table(found, "" if one == lab.of_checkout(CHECKOUT) else f" --lab {one.name}"))


@task(help=LAB | JSON | {
    "hosts": f"simulated hosts, 1 to {lab.MAX_HOSTS}; by default as many as the lab has, 20 in a new one", "driver": "libvirt (a VM) or container (native speed); by default as the lab has, libvirt in a new one",
    "offer": "size of the machine by an offer's name (vm/offers)", "vcpus": "virtual CPUs; the size is by default as the lab has, 2, 2048 MiB and 20 GiB in a new one", "memory": "memory, as 2048 or 2G",
    "disk": "disk in GiB", "collect": "query (one PuppetDB query) or realise (<<| |>>); by default as the lab has, query in a new one", "converge": "run Puppet even if nothing changed",
    "services": f"services that each simulated host pushes, 1 to {checks.MAX_SERVICES}, 0 for what its role has; by default as the lab has",
    "agents": "real monitored machines, one of each Debian release named: bookworm, trixie, forky with commas between, all, or none; by default as the lab has",
    "seed": "seed of the simulated fleet; by default as the lab has, 1 in a new one", "puppet_server": "name of a Puppet server of your own, in place of the lab's; no simulated hosts then",
    "puppet_ca": "file with that server's CA certificate", "puppet_environment": "environment there (production)",
    "smarthost": "who takes the monitor's mail there", "host": "root@ADDRESS of an existing Debian 13 machine that becomes the monitor (with --puppet-server)",
})  # fmt: skip
@command
def provision(
    c: Context, hosts: str = "", driver: str = "", offer: str = "", vcpus: str = "", memory: str = "", disk: str = "",
    collect: str = "", converge: bool = False, services: str = "", agents: str = "", seed: str = "", puppet_server: str = "", puppet_ca: str = "",
    puppet_environment: str = "", smarthost: str = "", host: str = "", lab: str = "", json: bool = False,
) -> None:  # fmt: skip
    """Make the monitoring machine and its lab: image, VM, Puppet, simulated hosts, live states. Safe to run again."""
    one = named(lab)
    own = own_server.own_server(puppet_server, puppet_ca, puppet_environment, smarthost, host, hosts)
    checks.need_its_server(one, own)
    old = checks.present(one)
    count = checks.number(hosts, "--hosts") if hosts else old.hosts
    driver = driver or checks.present_driver(one)
    pushed = checks.number(services, "--services") if services else old.services
    real = checks.agents(agents) if agents else old.agents
    grown_from = checks.number(seed, "--seed") if seed else old.seed
    size = spec_of(one, offer, vcpus, memory, disk)
    options = checks.options(count, grown_from, driver, size, collect or old.collect_mode, own, services=pushed, agents=real, compress=old.compress)
    which = f"Puppet server {puppet_server}" if own else f"{count} hosts"
    progress.note(f"lab {one.name}: {which}, monitor {host or f'by {driver}'} with {options.spec}")
    raise_lab(one, options, "invoke provision", converge=converge)
    show_status(one, json)


@task(help=LAB | JSON | {
    "hosts": f"how many simulated hosts from now on, 1 to {lab.MAX_HOSTS}", "services": f"how many services each pushes from now on, 1 to {checks.MAX_SERVICES}, 0 for what its role has",
    "compress": f"divide the intervals of the checks by this, for a rehearsal: with 10, an hour has the checks of ten; 1 to {checks.MAX_COMPRESS}",
})  # fmt: skip
@command
def simulate(c: Context, hosts: str = "", services: str = "", compress: str = "", lab: str = "", json: bool = False) -> None:
    """Grow or shrink the simulated fleet of a running lab, or change how often its checks turn, without rebuilding anything."""
    one = named(lab)
    options = checks.resized(one, hosts, services, compress)
    raise_lab(one, options, "invoke simulate")
    show_status(one, json)


@task(name="resize", help=LAB | JSON | {"vcpus": "virtual CPUs that it then has", "memory": "memory that it then has, as 4096 or 4G", "disk": "disk that it then has, in GiB"})
@command
def resize_task(c: Context, vcpus: str = "", memory: str = "", disk: str = "", lab: str = "", json: bool = False) -> None:
    """Give the running monitor more disk, memory or vCPUs; while it works where that is possible, else by one orderly reboot."""
    one = named(lab)
    resize.resize(one, vcpus, memory, disk)
    show_status(one, json)


@task(name="loadtest", help=LAB | JSON | {
    "scenario": f"one of: {', '.join(scenarios.names())}", "full": "the full length, not the short one", "seconds": "length of the measured part, in place of the scenario's",
    "multiple": "how many times as often everything happens", "vcpus": "try another number of vCPUs, a fraction too", "memory": "try another memory, as 1024 or 1G",
    "workers": "processes of the load generator", "seed": "seed of the plan of arrivals",
})  # fmt: skip
@command
def loadtest_task(
    c: Context, scenario: str = "steady", full: bool = False, seconds: float = 0.0, multiple: float = 1.0, vcpus: str = "", memory: str = "",
    workers: int = 1, seed: int = 1, lab: str = "", json: bool = False,
) -> None:  # fmt: skip
    """Put a scenario's load on the monitor of a running lab (--driver container) and judge it by its objectives."""
    found = loadtest.run(
        named(lab), scenario, length="full" if full else "short", seconds=seconds, multiple=multiple, vcpus=vcpus,
        memory=memory, workers=workers, seed=seed,
    )  # fmt: skip
    if json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(loadtest.table(found))
    if found.verdict != "passed":
        raise Exit(code=1)


@task(name="status", help=LAB | JSON | {"secrets": "show the lab's passwords too"})
@command
def status_task(c: Context, lab: str = "", json: bool = False, secrets: bool = False) -> None:
    """What the lab is doing now: machines, states, agents, where the web is."""
    one = named(lab)
    show_status(one, json)
    if secrets:
        store = SecretStore(one.secrets)
        for what, name in (("console, user root", "root-password"), ("web, user watchpost", "basic_auth"), ("web, user admin", "web_admin")):
            print(f"{what}: {store.get(name)}")


@task(name="doctor", help=JSON)
@command
def doctor_task(c: Context, json: bool = False) -> None:
    """What this host can do, each finding with its remedy."""
    findings = doctor.examine(checks.guest_kernel(CHECKOUT), lab.STATE / "probes.json")
    if json:
        print_json(doctor.as_json(findings))
    else:
        doctor.show(findings, OUT)
    if any(finding.level == "missing" for finding in findings):
        raise Exit(code=1)


def print_json(value: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(value, indent=2))


@task(name="probe", help=LAB | JSON | {"seconds": "how long to look"})
@command
def probe_task(c: Context, seconds: float = 10.0, lab: str = "", json: bool = False) -> None:
    """What every probe of a running lab says now, and what probing costs."""
    found = probing.probe(named(lab), seconds)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(probing.table(found))


RUNS = LAB | JSON | {"runs": "directory of finished runs, which are used again; by default the lab's", "recorded": "directory of recorded runs: only reads, needs no lab"}


@task(name="size", help=RUNS | {
    "hosts": "hosts of the fleet (50)", "services": "services of each host (20)", "growth": "how many times the fleet may grow (2)",
    "budget": "EUR a month, gross (20)", "quick": "a first estimate in about 10 minutes, without proof", "full": "more repeats; takes what it needs",
    "start": "a size that is known to be near, as 0.25x576 (vCPUs, MiB): the search begins there",
})  # fmt: skip
@command
def size_task(
    c: Context, hosts: str = "", services: str = "", growth: str = "", budget: str = "", quick: bool = False, full: bool = False, start: str = "",
    runs: str = "", recorded: str = "", lab: str = "", json: bool = False,
) -> None:  # fmt: skip
    """Find the smallest machine that carries the fleet, prove that the next smaller fails, price it. Makes a lab where there is none, goes on where it was interrupted."""
    found = sizing.run_size(
        named(lab), hosts=hosts, services=services, growth=growth, budget=budget, quick=quick, full=full, runs=runs, recorded=recorded, start=start
    )
    if json:
        print(answer(found).model_dump_json(indent=2))
    else:
        OUT.print(sizing.table(found))
    if answer(found).verdict in ("failed", "invalid", "unfinished"):
        raise Exit(code=1)


@task(name="report", help=RUNS | {"out": "directory for report.html, report.json and hosting.md (report)", "evidence": "new directory for the runs and their raw data"})
@command
def report_task(c: Context, out: str = "report", evidence: str = "", runs: str = "", recorded: str = "", lab: str = "", json: bool = False) -> None:
    """Write what `size` found as one page without scripts, its JSON twin, and a specification for a hoster."""
    found = sizing.recall(named(lab), runs, recorded)
    files = render.write(found, Path(out))
    if evidence:
        files += lay(found, sizing.folder(named(lab), runs, recorded), Path(evidence))
    print(render.twin(found) if json else "\n".join(map(str, files)))


@task(name="compare", positional=["a", "b"], help=RUNS | {"a": "a run: its name in the report, or its file", "b": "another"})
@command
def compare_task(c: Context, a: str, b: str, runs: str = "", recorded: str = "", lab: str = "", json: bool = False) -> None:
    """Two runs side by side, with intervals: which differences are real."""
    where = sizing.folder(named(lab), runs, recorded)
    found = comparison.compare(sizing.read_run(a, where), sizing.read_run(b, where))
    if json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(comparison.table(found))


KIND = {"kind": "monitor, puppet, fleet, or agent-CODENAME"}
DATA = CONTROL_REPO / "data"


@task(name="build", default=True, help=KIND | JSON | {
    "rebuild": "build even if the cached image is up to date (beside it: machines may use it)",
    "locked": "build from this lock, with .debs of the local cache only and no network",
})  # fmt: skip
@command
def image(c: Context, kind: str = "monitor", rebuild: bool = False, locked: str = "", json: bool = False) -> None:
    """Build a machine image (cached: nothing happens while nothing it is made from has changed)."""
    asked = lock.read(Path(locked)) if locked else None
    found, cached = build.find_or_build(kind, DATA, rebuild=rebuild, asked=asked)
    print(found.model_dump_json(indent=2) if json else build.show(found, cached))


@task(help=KIND | JSON)
@command
def verify(c: Context, kind: str = "monitor", json: bool = False) -> None:
    """Build an image twice, in different surroundings, and compare the bits; names the files that differ."""
    found = image_verify.verify(kind, DATA)
    print(found.model_dump_json(indent=2) if json else image_verify.show(found))
    if not found.same:
        raise Exit(code=1)


@task(name="lock", help=JSON | {"kind": "monitor, puppet or fleet; by default all", "dry-run": "only say what would change"})
@command
def image_lock(c: Context, kind: str = "", dry_run: bool = False, json: bool = False) -> None:
    """Move the reference locks to the mirror's present state and print what changes, security updates first."""
    found = move.moves([kind] if kind else sorted(LOCKED), DATA, dry_run=dry_run)
    if json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        move.show(found, OUT)


@task(name="write-settings", help={
    "disk": "the image, or the disk that it was written to (a file or a block device)", "settings": "TOML file with hostname, keys, network, Puppet server",
})  # fmt: skip
@command
def write_settings(c: Context, disk: str, settings: str) -> None:
    """Put a machine's settings on the EFI partition of its disk, so that it can be reached after its first boot."""
    image_settings.write(image_settings.read(Path(settings)), Path(disk))
    print(f"{disk} has the settings of {settings}")


@task(name="image", help=KIND | JSON)
@command
def bench_image(c: Context, kind: str = "monitor", json: bool = False) -> None:
    """Measure the builds of an image side by side: plain mmdebstrap, cold, one changed file, unchanged."""
    found = image_bench.measure(kind, DATA)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        image_bench.show(found, OUT)
    if any(line.verdict == "missed" for line in found.lines):
        raise Exit(code=1)


@task(help=LAB | {"machine": "monitor, puppet or fleet"})
@command
def console(c: Context, machine: str = "monitor", lab: str = "") -> None:
    """Out-of-band access: the serial console of the VM (Ctrl-] leaves), a root shell in a container; needs no network."""
    one = named(lab)
    argv = driver(checks.driver_of(one, machine)).console_argv(one, machine)
    os.execvp(argv[0], argv)


@task(help=LAB | {"machine": "monitor, puppet or fleet"})
@command
def ssh(c: Context, machine: str = "monitor", lab: str = "") -> None:
    """A root shell over SSH, with the lab's own key and the machine's pinned host key."""
    argv = checks.ssh_argv(named(lab), machine)
    os.execvp(argv[0], argv)


@task(name="open", help=LAB | JSON)
@command
def open_task(c: Context, lab: str = "", json: bool = False) -> None:
    """The way to the web: its address, what to trust, how to come from another machine; opens a browser where there is one."""
    found = visit.plan(named(lab))
    if json:
        print(found.model_dump_json(indent=2))
    else:
        visit.show(found, OUT)


@task(help=LAB | {"yes": "do not ask"})
@command
def destroy(c: Context, lab: str = "", yes: bool = False) -> None:
    """Remove the lab: machines, network, files. Nothing that is not its own; images stay cached."""
    one = named(lab)
    if not one.directory.exists():
        progress.note(f"there is no lab {one.name}; nothing to remove")
        return
    agreed(f"remove lab {one.name}?", yes)
    raze_lab(one, "invoke destroy")


@task(help=LAB | JSON | {
    "baseline": "compare with this file in place of the last good rebuild", "in_place": "make this lab anew, not one beside it",
    "keep": "keep the lab beside", "hosts": "simulated hosts; by default as the lab has", "driver": "libvirt or container; by default as the lab has",
    "yes": "do not ask",
})  # fmt: skip
@command
def rebuild(
    c: Context, baseline: str = "", in_place: bool = False, keep: bool = False, hosts: str = "", driver: str = "", yes: bool = False,
    lab: str = "", json: bool = False,
) -> None:  # fmt: skip
    """Build and provision again and compare with the last good rebuild; exit code 1 on drift."""
    one = named(lab)
    options = checks.as_before(one, hosts, driver)
    if in_place:
        agreed(f"make lab {one.name} anew?", yes)
    found = run.rebuild(one, options, Path(baseline) if baseline else None, in_place=in_place, keep=keep)
    if found is None:
        run.tell_first(one)
        return
    if json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(run.table(found))
    if found.drift:
        raise Exit(code=1)


def agreed(question: str, yes: bool) -> None:
    """Ask on a terminal unless told not to; who says no changes nothing."""
    if not yes and sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() != "y":
        raise BadInput("nothing was changed", "", "answer y, or use --yes")


@task(name="plan", help=JSON | {
    "from": "revision to start from; by default where the branch left main, on main HEAD or HEAD~", "to": "revision to go to; by default the working tree",
    "hosts": "hosts of the simulated fleet", "seed": "seed of the simulated fleet", "exit-code": "exit code 1 when something would change, as of git diff",
})  # fmt: skip
@command
def plan_task(c: Context, from_: str = "", to: str = "", hosts: str = "20", seed: int = 1, json: bool = False, exit_code: bool = False) -> None:
    """What a change would change, before it does: the monitor's configuration as a diff; needs neither root nor a lab."""
    found = planning.plan(CHECKOUT, from_, to, checks.number(hosts, "--hosts"), seed)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        report.show(found, OUT)
    if exit_code and not found.empty:
        raise Exit(code=1)


@task(name="vm", help=LAB | JSON)
@command
def bench_vm(c: Context, lab: str = "", json: bool = False) -> None:
    """Measure once what the monitor takes more as a VM than as a container (memory, disk); `size` adds it. The lab's monitor is made anew."""
    found = vm_extra.measure(named(lab))
    if json:
        print_json(found.model_dump(mode="json") | {"memory_mib": found.memory_mib, "disk_mib": found.disk_mib})
    else:
        print(f"a VM takes {found.memory_mib:.0f} MiB of memory and {found.disk_mib:.0f} MiB of disk more than a container ({found.hosts} hosts, {found.accelerator})")


@task(name="freeze", help=JSON | {"workers": "processes of the load generator"})
@command
def bench_freeze(c: Context, workers: int = 2, json: bool = False) -> None:
    """Prove the load generator: a target frozen for 3 s in a run of 10 s has to be reported as it was, each percentile within 2 %."""
    found = freeze.bench(workers)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        freeze.show(found, OUT)
    if not found.truthful:
        raise Exit(code=1)


@task(name="agents", help=JSON)
@command
def bench_agents(c: Context, json: bool = False) -> None:
    """Measure what the load generator's Icinga agents cost: 50 and 1,000 of them against a protocol sink on loopback."""
    found = agents_bench.bench()
    if json:
        print(found.model_dump_json(indent=2))
    else:
        agents_bench.show(found, OUT)
    if not found.met:
        raise Exit(code=1)


@task(name="host", help=LAB | JSON | {"host": "root@ADDRESS of another Debian machine that your SSH knows, in place of the lab's monitor"})
@command
def bench_host(c: Context, host: str = "", lab: str = "", json: bool = False) -> None:
    """Measure what one core of a machine does, in reference units: plugin starts, TLS and JSON, a PHP page, SQL; takes a minute."""
    found = host_bench.bench(named(lab), host)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        host_bench.show(found, OUT)
    if found.units is None:
        raise Exit(code=1)


@task
@command
def check(c: Context) -> None:
    """Linters, types, Puppet syntax and style, import directions: everything that needs no lab."""
    quality.static(CHECKOUT)


@task(help={"unit": "only what needs neither root nor a lab", "thorough": "also what takes minutes for what changes seldom, as whole rebuilds"})
@command
def test(c: Context, unit: bool = False, thorough: bool = False) -> None:
    """Everything CI runs: static checks, unit tests, and one live lab from nothing to destroyed; with --thorough what takes minutes more."""
    quality.static(CHECKOUT)
    code = quality.unit_tests(CHECKOUT)
    raise Exit(code=code if unit or code else quality.acceptance_tests(CHECKOUT, thorough=thorough))


@task(name="accept", help=JSON | {
    "k": "only tests whose names or requirement ids match this, as pytest's -k has it; a requirement that it leaves out, whole or in part, is `not asked` and does not count", "lab": "a running lab to test, whose monitor becomes a VM; by default one of its own", "keep": "leave its own lab running",
    "operator": "the operator's file: what is declared, and which gaps are accepted until when", "out": "directory for accept.html, accept.json, accept.xml and the pictures of the web (accept)",
})  # fmt: skip
@command
def accept_task(c: Context, k: str = "", lab: str = "", keep: bool = False, operator: str = "", out: str = "accept", json: bool = False) -> None:
    """Prove the requirements on running machines, and write what is proven, failed, argued, declared or open; 1 for any MUST that nothing shows."""
    found = acceptance.accept(CHECKOUT, lab=lab, keyword=k, keep=keep, operator=operator, out=Path(out))
    files = accept_files.write(found, Path(out))
    if json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(accept_files.table(found))
        print("\n".join(map(str, files)))
    if found.unmet or found.count("failed"):
        raise Exit(code=1)


@task(name="provision", help=JSON | {"driver": "libvirt or container", "images": "build images too, in a cache of their own, as on a new machine"})
@command
def bench_provision(c: Context, driver: str = "libvirt", images: bool = False, json: bool = False) -> None:
    """Measure provision from nothing, again, and growing to 50 hosts, in a lab of its own; show it beside the budgets."""
    found = bench.provision(CHECKOUT, driver, images=images)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        OUT.print(bench.table(found))


@task(name="collect", help=JSON | {"lab": "a running lab to measure on, left as it was; by default one of its own, which is gone afterwards", "rounds": "how often all ways take turns, 5 at least"})
@command
def bench_collect(c: Context, lab: str = "", rounds: int = 5, json: bool = False) -> None:
    """Measure what collecting costs, three ways: collectors, one file in Puppet's language, ours; takes about 20 minutes."""
    found = collecting.collect(named(lab) if lab else None, rounds)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        collecting_table.show(found, OUT)
    if found.invalid or found.missed:
        raise Exit(code=1)


namespace = Collection(provision, simulate, resize_task, loadtest_task, probe_task, size_task, report_task, compare_task, status_task, doctor_task, console, ssh, open_task, rebuild, plan_task, destroy, check, test, accept_task)
namespace.add_collection(Collection("image", image, verify, image_lock, write_settings))
namespace.add_collection(Collection("bench", bench_provision, bench_image, bench_freeze, bench_agents, bench_host, bench_collect, bench_vm))

"""What a lab is doing now, for people and as JSON."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from provision import daemon, icinga_api, pushing, weakened
from provision.lab_plan import ca_path, nodes_path
from provision.machines import address as machine_address
from provision.options import read as read_options
from provision.pusher_spec import PusherStatus
from provision.stages.monitor import Collected
from vm import artefact
from vm.drivers import driver
from vm.errors import BadInput, WatchpostError
from vm.lab import MAX_HOSTS, Lab
from vm.progress import StageTime


class StageTimes(artefact.Record):
    """The stages that the last provision did, and how long the whole took."""

    version: int = 1
    stages: tuple[StageTime, ...]
    total_s: float


class Collect(artefact.Record):
    """What the monitor's last converging run cost. seconds: of the whole run; catalog_s: until its catalog had come.

    puppetdb_queries: answered during that run; None where the Puppet server is not the lab's.
    """

    mode: str
    seconds: float
    catalog_s: float
    resources: int
    puppetdb_queries: int | None


class Status(artefact.Record):
    """A lab at a glance; states are counts by Icinga's names, None while Icinga does not answer. services_per_host: of --services; compress: what intervals are divided by. weakened: what a test made weaker on purpose, or left so by a crash."""

    version: int = 1
    lab: str
    driver: str
    accelerator: str
    puppet_server: str
    machines: dict[str, bool]
    web: str
    web_user: str = "admin"
    basic_auth_user: str = "watchpost"
    services_per_host: int | None = None
    compress: int = 1
    hosts: dict[str, int] | None
    services: dict[str, int] | None
    endpoints_connected: int | None
    checks_per_minute: float | None
    agents_running: bool
    weakened: tuple[str, ...]
    results_sent: int | None
    collect: Collect | None
    stages: tuple[StageTime, ...]
    total_s: float | None


def read(lab: Lab) -> Status:
    """Look at a lab. Raises BadInput when there is none."""
    options = read_options(lab)
    containers = () if options.puppet_server else ("puppet", "fleet", *options.agent_kinds)
    machines = {kind: bool(driver("container").running(lab, kind)) for kind in containers}
    machines["monitor"] = bool(driver(options.driver).running(lab, "monitor"))
    try:
        found = icinga_api.status(pushing.access(lab, nodes_path(lab), ca_path(lab)))
    except (WatchpostError, OSError):
        found = None
    collected = _optional(Collected, lab.records / "collect.json")
    times = _optional(StageTimes, lab.records / "times.json")
    pushed = _optional(PusherStatus, lab.directory / "pusher-status.json")
    return Status(
        lab=lab.name,
        driver=options.driver,
        accelerator=options.accelerator,
        puppet_server=options.puppet_server or lab.fqdn("puppet"),
        machines=machines,
        web=f"https://{lab.fqdn('monitor')}/icingaweb2/ (at {machine_address(lab, 'monitor')})",
        services_per_host=options.services or None,
        compress=options.compress,
        hosts=found and found.hosts,
        services=found and found.services,
        endpoints_connected=found and found.endpoints_connected,
        checks_per_minute=found and found.checks_per_minute,
        weakened=tuple(f"{one.what} ({one.machine})" for one in weakened.known(lab)),
        agents_running=daemon.is_running(pushing.process(lab)),
        results_sent=pushed.sent if pushed else None,
        collect=Collect(
            mode=collected.mode, seconds=collected.first.seconds, catalog_s=collected.first.compile_s,
            resources=collected.first.resources, puppetdb_queries=collected.puppetdb_queries,
        ) if collected else None,
        stages=times.stages if times else (),
        total_s=times.total_s if times else None,
    )  # fmt: skip


def _optional(cls: type[artefact.R], path: Path) -> artefact.R | None:
    try:
        return artefact.load(cls, path)
    except BadInput:
        return None


def _agents(status: Status) -> str:
    if status.endpoints_connected is None:
        return "Icinga does not answer"
    return f"{status.endpoints_connected} connected, {status.checks_per_minute or 0:.0f} checks a minute"


def _states(counts: dict[str, int] | None) -> str:
    if counts is None:
        return "Icinga does not answer"
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none"


def following(status: Status) -> tuple[str, ...]:
    """What may come next: a lab with hosts of its own grows, to half as many again once it is past 50; any other shows its web."""
    count = sum((status.hosts or {}).get(state, 0) for state in ("up", "down"))
    if "puppet" not in status.machines or count >= MAX_HOSTS:
        return "open", "destroy"
    return f"simulate --hosts {50 if count < 50 else min(MAX_HOSTS, count * 3 // 2)}", "destroy"


def table(status: Status, flag: str = "") -> Table:
    """The same for a terminal. flag: what names the lab in a command, empty for the checkout's."""
    shown = Table(show_header=False, box=None, pad_edge=False)
    down = [kind for kind, up in status.machines.items() if not up]
    rows = [
        ("lab", f"{status.lab}, monitor by {status.driver} ({status.accelerator})"),
        ("machines", "all run" if not down else f"not running: {', '.join(down)}"),
        ("web", f"{status.web}\nuser {status.basic_auth_user}, then {status.web_user}; `invoke status --secrets{flag}` shows passwords"),
        ("console", f"invoke console{flag}"),
        ("hosts", _states(status.hosts)),
        ("services", _states(status.services)),
        ("agents", _agents(status)),
        *([("asked", f"{status.services_per_host} pushed services a host")] if status.services_per_host else []),
        *([("a rehearsal", f"checks turn {status.compress} times as often as they are meant to")] if status.compress > 1 else []),
    ]
    if status.weakened:
        rows.append(("weakened", "; ".join(status.weakened) + "\nby a test; where none runs, `invoke provision` takes it back"))
    if status.collect:
        one = status.collect
        asked = f", {one.puppetdb_queries} queries of PuppetDB" if one.puppetdb_queries is not None else ""
        rows.append(("collected", f"{one.resources} resources by {one.mode}; run {one.seconds:.0f} s, catalog {one.catalog_s:.1f} s{asked}"))
    if status.total_s is not None:
        stages = ", ".join(f"{stage.name} {stage.seconds:.0f} s" for stage in status.stages)
        rows.append(("took", f"{status.total_s:.0f} s: {stages}" if stages else f"{status.total_s:.0f} s, nothing to do"))
    rows.append(("next", "   ·   ".join(f"invoke {words}{flag}" for words in following(status))))
    for name, text in rows:
        shown.add_row(f"[bold]{name}[/bold]", text)
    return shown

"""The monitoring machine: its own agent's runs, what collecting cost in them, the proof that a second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from provision import machines, puppet_run
from provision.options import Options
from provision.stages import Work, by_puppet
from provision.web import IcingaWeb
from vm import artefact
from vm.errors import WatchpostError
from vm.wait import wait_until


class Collected(artefact.Record):
    """The monitor's converging runs and what collecting cost in the first of them.

    puppetdb_queries: how many PuppetDB answered during the first run; None where it could not be counted.
    """

    version: int = 1
    mode: str
    first: puppet_run.PuppetRun
    second: puppet_run.PuppetRun | None = None
    puppetdb_queries: int | None = None


def converge(work: Work, options: Options, count_queries: Callable[[], int | None]) -> None:
    """The monitor's stack and what it collects, then the same again.

    count_queries: how many queries PuppetDB has logged so far; None where nobody can tell. Raises WatchpostError when the second run changes
    anything.
    """
    path = work.lab.records / "collect.json"
    plan, ledger = work.plan, work.ledger
    inputs = [plan.code, artefact.digest(plan.files), ledger.done.get("start monitor"), options.collect_mode,
              ledger.done.get("hosts"), [ledger.done.get(by_puppet(kind)) for kind in plan.agents]]  # fmt: skip

    def first() -> str:
        before = count_queries()
        run, had_ended = work.converging_run("monitor", options.puppet_environment)
        after = count_queries()
        queries = None if before is None or after is None or after < before else after - before
        artefact.save(Collected(mode=options.collect_mode, first=run, puppetdb_queries=queries), path)
        asked = "" if queries is None else f", {queries} queries of PuppetDB"
        return f"{run.resources} resources, {run.changed} changed, catalog {run.compile_s:.1f} s{asked}{had_ended}"

    def again() -> str:
        run = work.agent_run("monitor", options.puppet_environment)
        artefact.save(artefact.load(Collected, path).model_copy(update={"second": run}), path)
        puppet_run.must_change_nothing("monitor", run)
        return f"{run.resources} resources, 0 changed"

    ledger.step("monitor", inputs, first, live=lambda: work.services_run("monitor"))
    ledger.step("monitor again", inputs, again)


def web_answers(work: Work, deadline_s: float = 120) -> str:
    """Log in to the web as a person would, until it lets us in. Raises WatchpostError with the last refusal."""
    last = "no answer yet"

    def probe() -> bool:
        nonlocal last
        basic = ("watchpost", work.secrets.get("basic_auth"))
        web = IcingaWeb(work.lab.fqdn("monitor"), machines.address(work.lab, "monitor"), work.plan.ca, basic)
        try:
            web.login("admin", work.secrets.get("web_admin"))
        except (WatchpostError, OSError) as error:
            last = str(error).splitlines()[0]
            return False
        return True

    try:
        wait_until(probe, reason="a log-in to the web", deadline_s=deadline_s, interval_s=1)
    except WatchpostError as error:
        raise WatchpostError(f"{error.what}: {last}", "nginx and php-fpm on the monitor") from error
    return "the web lets its user in"


def web_lives(work: Work) -> bool:
    """Whether the web lets its user in now."""
    try:
        return bool(web_answers(work, 1))
    except WatchpostError:
        return False

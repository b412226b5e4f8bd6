"""Checks that the monitor runs itself, a process each, more than it can: how many it carries, and what one costs.

The mixture is a third each of plugins in C, Perl and Python, the C one against a real daemon of the fleet. The services are a file of
configuration that is there for the time of the event alone; the next Puppet run removes it where the harness could not.
"""

from __future__ import annotations

import json
import time

from loadtest import objectives, plugin_cost
from loadtest.estimate import Estimate
from loadtest.lateness import Due, Seen
from loadtest.rig import Rig
from loadtest.samples import Sample, rate, series
from loadtest.scenarios import Length, Scenario, steady

PLACE = "/etc/icinga2/watchpost.d/load.conf"
PREFIX = "load-"
PER_S = 300
"""Checks due in a second: more than a whole core starts."""
WATCHED_S = {"short": 40.0, "full": 120.0}
LEAD_S, TAIL_S = 8.0, 2.0
"""Of the event's time, at its beginning (Icinga reloads) and its end, that do not count."""
COMMANDS = {
    "c": ("/usr/lib/nagios/plugins/check_ssh", "-t", "10", "{address}"),
    "perl": ("/usr/lib/nagios/plugins/check_file_age", "-f", "/etc/hostname", "-w", "999999999", "-c", "999999999"),
    "python": ("/usr/local/lib/watchpost/plugins/check_puppet_run", "--warning", "999999999", "--critical", "999999999"),
}


def argvs(address: str) -> dict[str, list[str]]:
    """The plugins by their language, the C one against a daemon at this address. Pure."""
    return {kind: [word.format(address=address) for word in words] for kind, words in COMMANDS.items()}


def configuration(host: str, address: str) -> str:
    """Check commands and services of a second's interval. Pure."""
    parts = [f'object CheckCommand "{PREFIX}{kind}" {{ command = {json.dumps(words)} }}' for kind, words in argvs(address).items()]
    for number in range(PER_S):
        kind = list(COMMANDS)[number % len(COMMANDS)]
        parts.append(
            f'object Service "{PREFIX}{number:03d}" {{ host_name = "{host}"; zone = "master"; check_command = "{PREFIX}{kind}"; '
            "check_interval = 1; retry_interval = 1; enable_notifications = false; enable_event_handler = false }"
        )
    return "\n".join(parts) + "\n"


def overload(rig: Rig, length: Length) -> dict[str, Estimate]:
    """Measure what the plugins cost by themselves; put the configuration in, let it run, take it away."""
    machine, host = rig.connect("monitor"), rig.pusher.hosts[0]
    try:
        cost_s = plugin_cost.measure(machine, argvs(host.address))
        machine.write(PLACE, configuration(host.certname, host.address), mode="0640", owner="root:nagios")
        machine.run(["systemctl", "reload", "icinga2.service"])
        time.sleep(WATCHED_S[length])
    finally:
        machine.run(["rm", "-f", PLACE])
        machine.run(["systemctl", "reload", "icinga2.service"])
        machine.close()
    return {"active_due_per_s": Estimate.exact(PER_S)} | {f"plugin_cpu_ms_{kind}": Estimate.exact(1000 * seconds) for kind, seconds in cost_s.items()}


def analyse(rig: Rig, happened: dict[str, Estimate], due: list[Due], seen: list[Seen], samples: list[Sample], begins: float) -> dict[str, Estimate]:
    """Checks a second and what one cost, while they ran at full rate; and how many the plugins alone would allow."""
    times = sorted(one.at for one in seen if one.service.startswith(PREFIX))
    if not times or times[-1] - times[0] < LEAD_S + TAIL_S + 5:
        return {}
    start, end = times[0] + LEAD_S, times[-1] - TAIL_S
    carried = sum(start <= at < end for at in times) / (end - start)
    cores = rate(series(samples, "cpu_s", "machine=monitor", start, end))
    found = {"active_results_per_s": Estimate.exact(carried)}
    counts = by_kind(seen, start, end)
    found |= {f"active_{kind}_per_s": Estimate.exact(count / (end - start)) for kind, count in counts.items()}
    cost_s = {kind: happened[f"plugin_cpu_ms_{kind}"].value / 1000 for kind in COMMANDS if f"plugin_cpu_ms_{kind}" in happened}
    predicted = plugin_cost.ceiling(cost_s, counts, cores) if cores and len(cost_s) == len(COMMANDS) else None
    if predicted:
        found |= {"active_predicted_per_s": Estimate.exact(predicted), "active_of_predicted_ratio": Estimate.exact(carried / predicted)}
    return found | ({"active_cores": Estimate.exact(cores), "active_cpu_ms_per_check": Estimate.exact(1000 * cores / carried)} if cores and carried else {})


def by_kind(seen: list[Seen], start: float, end: float) -> dict[str, int]:
    """How many checks of each kind ended between two times."""
    order = tuple(COMMANDS)
    kinds = [order[int(one.service.removeprefix(PREFIX)) % len(order)] for one in seen if one.service.startswith(PREFIX) and start <= one.at < end]
    return {kind: kinds.count(kind) for kind in COMMANDS}


SCENARIO = Scenario(
    name="active",
    what=f"{PER_S} checks a second are due that the monitor runs itself",
    load=steady.load,
    objectives=objectives.ALWAYS,
    seconds={"short": 80, "full": 180},
    event=overload,
    analyse=analyse,
)

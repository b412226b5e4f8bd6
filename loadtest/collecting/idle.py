"""A run of the monitor's own agent where nothing changed: does it leave Icinga alone?"""

from __future__ import annotations

from loadtest.collecting.machines import Machines
from provision import puppet_run
from vm.artefact import Record

MARKS = ("ExecMainStartTimestampMonotonic", "StateChangeTimestampMonotonic")
"""systemd's: the first moves when Icinga is started, the second at a reload too."""
VALIDATED = "/var/cache/icinga2/icinga2.vars"
"""Icinga writes it whenever it has read its whole configuration, for a validation as for a start."""


class Idle(Record):
    """changed, restarted: resources of that run. reloaded, validated: whether Icinga was reloaded or started, or read its configuration."""

    seconds: float
    changed: int
    restarted: bool
    reloaded: bool
    validated: bool

    @property
    def left_alone(self) -> bool:
        """Nothing was done."""
        return not (self.changed or self.restarted or self.reloaded or self.validated)


def marks(on: Machines) -> tuple[str, str]:
    """What moves when Icinga is reloaded, and when it reads its configuration."""
    shown = on.monitor.run(["systemctl", "show", "icinga2.service", *(f"--property={it}" for it in MARKS)]).stdout
    return shown, on.monitor.run(["stat", "-c", "%y", VALIDATED]).stdout


def run(on: Machines) -> Idle:
    """One run in the production environment."""
    before = marks(on)
    done = puppet_run.run_puppet(on.monitor, puppet_run.agent_argv(on.lab.fqdn("puppet"), on.lab.fqdn("monitor")))
    after = marks(on)
    return Idle(
        seconds=done.seconds, changed=done.changed, restarted=done.exit_code != 0,
        reloaded=before[0] != after[0], validated=before[1] != after[1],
    )  # fmt: skip

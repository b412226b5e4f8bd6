"""A run of the monitor's own agent where nothing changed: does it leave Icinga alone?"""

from __future__ import annotations

from loadtest.collecting.rig import Rig
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


def marks(rig: Rig) -> tuple[str, str]:
    """What moves when Icinga is reloaded, and when it reads its configuration."""
    shown = rig.monitor.run(["systemctl", "show", "icinga2.service", *(f"--property={it}" for it in MARKS)]).stdout
    return shown, rig.monitor.run(["stat", "-c", "%y", VALIDATED]).stdout


def run(rig: Rig) -> Idle:
    """One run in the production environment."""
    before = marks(rig)
    done = puppet_run.run_puppet(rig.monitor, puppet_run.agent_argv(rig.lab.fqdn("puppet"), rig.lab.fqdn("monitor")))
    after = marks(rig)
    return Idle(
        seconds=done.seconds, changed=done.changed, restarted=done.exit_code != 0,
        reloaded=before[0] != after[0], validated=before[1] != after[1],
    )  # fmt: skip

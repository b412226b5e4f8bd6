"""What tests ask of the monitor's Icinga, and how they give it objects for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from provision import icinga_api
from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab
from vm.errors import WatchpostError
from vm.wait import wait_until


def of_role(lab: LiveLab, role: str) -> str:
    """The first host of a role."""
    return next(name for name in lab.hosts if name.startswith(role))


def service(lab: LiveLab, host: str, name: str) -> dict[str, Any]:
    """A service as Icinga has it."""
    attributes = "&".join(f"attrs={one}" for one in ("state", "acknowledgement", "next_check", "force_next_check", "force_next_notification", "last_check_result"))
    (found,) = icinga_api.get(lab.api(), f"/v1/objects/services/{host}!{name}?{attributes}")
    attrs: dict[str, Any] = found["attrs"]
    return attrs


def commands(lab: LiveLab) -> set[str]:
    """The names of its check commands."""
    return {one["name"] for one in icinga_api.get(lab.api(), "/v1/objects/checkcommands?attrs=name")}


def worker(lab: LiveLab) -> int:
    """The process of Icinga that answers; 0 where none does."""
    try:
        (found,) = icinga_api.get(lab.api(), "/v1/status/IcingaApplication")
    except WatchpostError:
        return 0
    return int(found["status"]["icingaapplication"]["app"]["pid"])


def answers(lab: LiveLab, but: str = "") -> bool:
    """Whether Icinga answers with all agents connected; `but` is one that need not be."""
    try:
        return set(icinga_api.status(lab.api()).endpoints_missing) <= {but}
    except WatchpostError:
        return False


def reload(lab: LiveLab, machine: Machine, but: str = "") -> None:
    """Let Icinga read its configuration anew; `but` as in answers."""
    old = worker(lab)
    machine.run(["systemctl", "reload", "icinga2.service"])
    # the old process answers until the new one has read everything; for a moment in between nobody listens
    wait_until(lambda: worker(lab) not in (old, 0) and answers(lab, but), reason="Icinga has taken the change, and all agents are back", deadline_s=90)


@contextmanager
def reloaded(lab: LiveLab, path: str, text: str, change: Mapping[str, tuple[str, str]] | None = None, but: str = "") -> Iterator[None]:
    """Icinga with objects more meanwhile. change: words of other files of its configuration, and what stands there instead; but: as in answers."""
    machine = lab.machine("monitor")
    kept = {name: machine.run(["cat", name]).stdout for name in change or {}}
    try:
        for name, (old, new) in (change or {}).items():
            assert kept[name].count(old) == 1, f"{old} in {name}"
            machine.write(name, kept[name].replace(old, new), mode="0640", owner="root:nagios")
        machine.write(path, text, mode="0640", owner="root:nagios")
        reload(lab, machine, but)
        yield
    finally:
        machine.run(["rm", "-f", path])
        for name, was in kept.items():
            machine.write(name, was, mode="0640", owner="root:nagios")
        reload(lab, machine)
        machine.close()

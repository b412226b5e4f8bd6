"""What Icinga makes of the files of each way: the objects it resolves, how long it validates them and takes them in."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from loadtest.collecting.machines import PLACE, Machines
from loadtest.collecting.once import Way
from provision import icinga_api, pushing
from provision.lab_plan import ca_path, nodes_path
from provision.rebuild.layers import objects as dumped
from vm.artefact import Record
from vm.errors import WatchpostError
from vm.wait import wait_until

HEAD = """include "/etc/icinga2/constants.conf"
include "/etc/icinga2/zones.conf"
include <itl>
include <plugins>
include <plugins-contrib>
include "/etc/icinga2/features-enabled/*.conf"
include "/etc/icinga2/watchpost.d/templates.conf"
include_recursive "/etc/icinga2/watchpost.d/commands"
"""
BESIDE = "/etc/icinga2/watchpost.d/zz-collecting"
Objects = dict[str, dict[str, Any]]


class TakenIn(Record):
    """Icinga's part for the files of one way. validate_s: `icinga2 daemon --validate`. reload_s: from asking for a reload of the running Icinga,
    which validates too, until its API counts all hosts.
    """

    way: Way
    files: int
    objects: int
    validate_s: float
    reload_s: float


def resolved(on: Machines, way: Way) -> tuple[Objects, float]:
    """The objects by type and name, and the seconds that Icinga validated. Raises WatchpostError where it refuses the files."""
    main = f"{PLACE}/{way}/icinga2.conf"
    on.monitor.write(main, f'{HEAD}include_recursive "{PLACE}/{way}/hosts"\n')
    began = time.monotonic()
    on.monitor.run([*dumped.VALIDATE, "-c", main])
    seconds = time.monotonic() - began
    dump = on.monitor.run(["cat", dumped.OBJECTS]).stdout.encode()
    on.monitor.run(["rm", "-f", dumped.OBJECTS])
    return dict(dumped.objects(dump)), seconds


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Objects that only one side has, or that differ in an attribute, in words (pure)."""
    found = [f"{name} is on one side alone" for name in sorted(set(one) ^ set(other))]
    for name in sorted(set(one) & set(other)):
        attributes = {*one[name], *other[name]}
        unequal = sorted(it for it in attributes if _text(one[name].get(it)) != _text(other[name].get(it)))
        found += [f"{name}: {attribute}" for attribute in unequal]
    return found


def taken_in(on: Machines, way: Way, objects: int, hosts: int, validate_s: float) -> TakenIn:
    """Let the running Icinga take the files in, beside what it has, and out again."""
    access = pushing.access(on.lab, nodes_path(on.lab), ca_path(on.lab))
    own = sum(icinga_api.status(access).hosts[state] for state in ("up", "down"))
    files = int(on.monitor.run(["sh", "-c", 'find "$1" -type f | wc -l', "sh", f"{PLACE}/{way}/hosts"]).stdout)
    on.monitor.run(["cp", "-r", f"{PLACE}/{way}/hosts", BESIDE])
    reload_s = _reload(on, access, own + hosts)
    on.monitor.run(["rm", "-rf", BESIDE])
    _reload(on, access, own)
    return TakenIn(way=way, files=files, objects=objects, validate_s=round(validate_s, 2), reload_s=round(reload_s, 2))


def _reload(on: Machines, access: icinga_api.ApiAccess, hosts: int) -> float:
    began = time.monotonic()
    on.monitor.run(["systemctl", "reload", "icinga2.service"])

    def counts() -> bool:
        try:
            known = icinga_api.status(access).hosts
        except WatchpostError:
            return False
        return known["up"] + known["down"] == hosts

    wait_until(counts, reason="Icinga to count the hosts of its new configuration", deadline_s=120, interval_s=0.1)
    return time.monotonic() - began


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

"""What a user wants sized, checked."""

from __future__ import annotations

from typing import Literal

import pydantic
from pydantic import Field

from loadtest.run import Load
from loadtest.sizing import lattice
from loadtest.sizing.lattice import Cell
from vm import lab
from vm.artefact import Record
from vm.errors import BadInput


class Request(Record):
    """A fleet, how much it may grow, and what may be spent. services are the pushed ones of each host.

    context: digest of what runs must share (lock, driver, seed). cores: of the host that measures. disk_gib: of the machines measured.
    start: where the search begins, instead of looking for vCPUs and memory by short trials; the proof is the same.
    vm_memory_mib, vm_disk_mib: what kernel and boot take in a VM and not in a container, measured once in the VM; None if never.
    """

    version: Literal[1] = 1
    hosts: int = Field(default=50, ge=1, le=lab.MAX_HOSTS)
    services: int = Field(default=20, ge=1, le=200)
    interval_s: float = Field(default=60, gt=0)
    growth: float = Field(default=2, ge=1, le=100)
    budget_eur: float = Field(default=20, gt=0)
    effort: Literal["quick", "normal", "full"] = "normal"
    cores: int = Field(default=2, ge=1)
    disk_gib: int = Field(default=20, ge=1)
    start: Cell | None = None
    vm_memory_mib: float | None = Field(default=None, ge=0)
    vm_disk_mib: float | None = Field(default=None, ge=0)
    context: str = ""

    @property
    def load(self) -> Load:
        """The load of the whole fleet."""
        return Load(hosts=self.hosts, services=self.services, interval_s=self.interval_s)


def request(hosts: str, services: str, growth: str, budget: str, *, quick: bool, full: bool, base: Request, start: str = "") -> Request:
    """The request that a user's words make of a base. Raises BadInput that names the bad word."""
    if quick and full:
        raise BadInput("--quick and --full exclude each other", "", "give one of them")
    if quick and start:
        raise BadInput("--quick and --start exclude each other", "", "--quick tries the largest size alone")
    begin = lattice.cell(start, "--start") if start else base.start
    if begin and begin.vcpus not in lattice.measurable(base.cores):
        raise BadInput(f"{begin} can not be measured on a host with {base.cores} cores", "--start", "the monitor has cores of its own, and one is left for everything else")
    words = {"hosts": hosts, "services": services, "growth": growth, "budget_eur": budget}
    changes = {name: word for name, word in words.items() if word}
    effort = "quick" if quick else "full" if full else base.effort
    try:
        return Request.model_validate({**base.model_dump(), **changes, "effort": effort, "start": begin})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).removesuffix("_eur")
        raise BadInput(f"no fleet can be sized so: {first['msg']} (is {first['input']!r})", f"--{option}", "give a number in that range") from error

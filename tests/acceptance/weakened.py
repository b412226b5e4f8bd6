"""A machine of the lab that is made weaker on purpose for a while, as the control of a test; `status` tells it, and after a crash `provision` takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from provision import weakened as weakenings
from provision.ssh import Machine
from tests.acceptance.conftest import LiveLab


@contextmanager
def weakened(
    lab: LiveLab, kind: str, what: str, texts: Mapping[str, str], command: Sequence[str], settle: Callable[[Machine], object] | None = None
) -> Iterator[Machine]:
    """A machine with other files meanwhile. what: for people, as `Icinga accepts commands`; command: makes the daemon read them; settle: does so and waits until it has."""
    machine = lab.machine(kind)
    one = weakenings.plan(machine, kind, what, texts, command)
    try:
        weakenings.begin(lab.lab, machine, one, texts)
        settle(machine) if settle else machine.run(command)
        yield machine
    finally:
        weakenings.restore(machine, one)
        settle(machine) if settle else machine.run(command)
        weakenings.end(lab.lab, one)
        machine.close()

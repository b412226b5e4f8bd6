"""What is made weaker on purpose on a lab's machine, so that an attack is seen to work there: the control of a test.

It is written down before it is done, and what there was is kept on the machine: who comes after a crash sees it, and `provision` takes it back. Owns neither what is made
weaker nor when.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from provision.ssh import Machine
from vm import artefact
from vm.lab import Lab

KEPT = "/var/lib/watchpost-weakened"


class Weakening(artefact.Record):
    """Files of a machine that are others meanwhile. added: those that are not there otherwise; command: makes their daemon read them; begun_ns: when, since 1970."""

    version: int = 1
    begun_ns: int
    what: str
    machine: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of its record, and of the directory in which the machine keeps what there was."""
        return f"{self.begun_ns:020d}"

    @property
    def folder(self) -> str:
        """That directory."""
        return f"{KEPT}/{self.name}"

    def kept(self, path: str) -> str:
        """The copy of a changed file."""
        return f"{self.folder}/{path.strip('/').replace('/', '%')}"


def known(lab: Lab) -> tuple[Weakening, ...]:
    """What is weaker in a lab now, or was when something crashed, in the order in which it began."""
    return tuple(artefact.load(Weakening, path) for path in sorted((lab.records / "weakened").glob("*.json")))


def plan(machine: Machine, kind: str, what: str, paths: Iterable[str], command: Sequence[str]) -> Weakening:
    """What making these files others means on a machine as it is now."""
    there = {path: _exists(machine, path) for path in paths}
    return Weakening(
        begun_ns=time.time_ns(), what=what, machine=kind, added=tuple(path for path, found in there.items() if not found),
        changed=tuple(path for path, found in there.items() if found), command=tuple(command),
    )  # fmt: skip


def begin(lab: Lab, machine: Machine, one: Weakening, texts: Mapping[str, str]) -> None:
    """Write it down, keep what there is, and write the files; a new one belongs to whom its directory does. Their daemon has not read them yet."""
    artefact.save(one, _record(lab, one))
    machine.run(["install", "-d", "-m", "0700", one.folder])
    for path in one.changed:
        machine.run(["cp", "--archive", path, f"{one.kept(path)}.new"])
        machine.run(["mv", "-f", f"{one.kept(path)}.new", one.kept(path)])
    for path, text in texts.items():
        like = path if path in one.changed else str(Path(path).parent)
        mode, owner = machine.run(["stat", "--format=%a %U:%G", like]).stdout.split()
        machine.write(path, text, mode=mode if path in one.changed else "0640", owner=owner)


def restore(machine: Machine, one: Weakening) -> None:
    """The files as they were, wherever `begin` was cut. Their daemon has not read them yet."""
    machine.run(["rm", "-f", *one.added])
    for path in one.changed:
        if _exists(machine, one.kept(path)):
            machine.run(["mv", "-f", one.kept(path), path])
    machine.run(["rm", "-rf", one.folder])


def end(lab: Lab, one: Weakening) -> None:
    """Forget it: its daemon has read what there was before."""
    _record(lab, one).unlink(missing_ok=True)


def take_back(lab: Lab, kind: str, machine: Machine) -> tuple[str, ...]:
    """Put a machine right after a crash, the last weakening first, as they may be of the same file; what was weak, in words."""
    left = tuple(one for one in reversed(known(lab)) if one.machine == kind)
    for one in left:
        restore(machine, one)
        machine.run(one.command)
        end(lab, one)
    return tuple(one.what for one in left)


def forget(lab: Lab, kind: str) -> None:
    """What was weak on a machine that is no more."""
    for one in known(lab):
        if one.machine == kind:
            end(lab, one)


def _exists(machine: Machine, path: str) -> bool:
    return machine.run(["test", "-e", path], check=False).returncode == 0


def _record(lab: Lab, one: Weakening) -> Path:
    return lab.records / "weakened" / f"{one.name}.json"

"""The ledger of finished runs: one file each, found by what was asked. Ctrl-C loses the run under way and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from loadtest.run import Load, Run
from loadtest.sizing.trial import Length
from vm import artefact
from vm.artefact import Record
from vm.errors import BadInput
from vm.hosting import HostingSpec


class Asked(Record):
    """What a run was asked for. context: digest of what else must be the same for a run to fit (lock, driver, seed, tuning)."""

    size: HostingSpec
    load: Load
    scenario: str
    length: Length
    repeat: int
    context: str

    @property
    def digest(self) -> str:
        """Names the run's file."""
        return artefact.digest(self.model_dump(mode="json", exclude={"size": {"offer"}}))[:16]

    def __str__(self) -> str:
        low = f" at {self.load.multiple:g} times the load" if self.load.multiple != 1 else ""
        return f"{self.scenario} ({self.length}) on {self.size.vcpus:g} vCPU, {self.size.memory_mib} MiB with {self.load.hosts} hosts{low}"


class Finished(Record):
    """A finished run and what it was asked for."""

    version: Literal[1] = 1
    asked: Asked
    run: Run


class Ledger:
    """The runs below a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, asked: Asked) -> Path:
        """Where a run is kept."""
        return self.directory / f"{asked.digest}.json"

    def find(self, asked: Asked) -> Run | None:
        """The run that was asked for, if it is there.

        Raises BadInput when its file is of another version, or holds the run of another question.
        """
        path = self.path(asked)
        if not path.exists():
            return None
        found = artefact.load(Finished, path)
        if found.asked.digest != asked.digest:
            raise BadInput(f"{path.name} holds another run than its name says", str(path), "remove it and run again")
        return found.run

    def keep(self, asked: Asked, run: Run) -> None:
        """Store a finished run, whole or not at all."""
        artefact.save(Finished(asked=asked, run=run), self.path(asked))

    def all(self) -> tuple[Finished, ...]:
        """Every finished run, in the order in which they began."""
        paths = [path for path in self.directory.glob("*.json") if len(path.stem) == 16]
        return tuple(sorted((artefact.load(Finished, path) for path in paths), key=lambda one: (one.run.began_at, one.run.name)))


def context_of(**parts: Any) -> str:
    """The digest of what must be the same for a run to fit."""
    return artefact.digest(parts)[:16]

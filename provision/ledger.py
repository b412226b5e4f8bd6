"""Which stages of a lab are done, with the digest of what each was made from; a second run skips what has not changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vm import artefact
from vm.errors import BadInput
from vm.progress import Stages


class LedgerRecord(artefact.Record):
    """Digest of the inputs by stage."""

    version: int = 1
    done: dict[str, str] = {}


class Ledger:
    """The stages of one lab. Safe to use from several threads."""

    def __init__(self, path: Path, stages: Stages, *, force: bool = False) -> None:
        self.path = path
        self.stages = stages
        self.force = force
        self.lock = threading.Lock()
        try:
            self.done = dict(artefact.load(LedgerRecord, path).done)
        except BadInput:
            self.done = {}

    def step(self, name: str, inputs: Any, action: Callable[[], object], *, live: Callable[[], bool] = lambda: True) -> bool:
        """Do a stage unless the same inputs were done before and its result still lives; whether it was done.

        A stage that begins is forgotten first: killed half-way, it counts as not done.
        """
        digest = artefact.digest(inputs)
        with self.lock:
            known = self.done.get(name) == digest
        if known and not self.force and live():
            return False
        self.forget(name)
        with self.stages.stage(name) as remarks:
            said = action()
            if isinstance(said, str):
                remarks.append(said)
        self.mark(name, digest)
        return True

    def forget(self, *names: str) -> None:
        """Count these stages as not done."""
        with self.lock:
            for name in names:
                self.done.pop(name, None)
            artefact.save(LedgerRecord(done=self.done), self.path)

    @contextmanager
    def undone(self, *names: str) -> Iterator[None]:
        """Count these stages as not done while something changes what they made; as done again only once it was put back."""
        before = {name: self.done[name] for name in names if name in self.done}
        self.forget(*names)
        yield
        for name, digest in before.items():
            self.mark(name, digest)

    def mark(self, name: str, digest: str) -> None:
        """Count a stage as done for these inputs."""
        with self.lock:
            self.done[name] = digest
            artefact.save(LedgerRecord(done=self.done), self.path)

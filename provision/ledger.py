"""Which stages of a lab are done, with the digest of what each was made from; a second run skips what has not changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
        self._set(name, None)
        with self.stages.stage(name) as remarks:
            said = action()
            if isinstance(said, str):
                remarks.append(said)
        self._set(name, digest)
        return True

    def _set(self, name: str, digest: str | None) -> None:
        with self.lock:
            if digest is None:
                self.done.pop(name, None)
            else:
                self.done[name] = digest
            artefact.save(LedgerRecord(done=self.done), self.path)

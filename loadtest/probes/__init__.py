"""What is looked at once a second while a load runs: one file a probe, found by its name. Each has `read(rig)`.

A probe that can not read what it wants once is skipped for that second; one that never could says so through the metrics that are missing.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
import time
from collections.abc import Callable, Iterable
from typing import cast

from loadtest.rig import Rig
from loadtest.samples import Sample
from vm.errors import WatchpostError

Reading = tuple[str, float, str]
"""Metric, value, labels."""
Read = Callable[[Rig, int], Iterable[Reading]]
"""read(rig, turn): turn counts the seconds; what is dear to read is read in some turns only."""
EVERY_S = 1.0


def names() -> tuple[str, ...]:
    """The probes there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def probes() -> dict[str, Read]:
    """Every probe's reading function."""
    return {name: cast(Read, importlib.import_module(f"loadtest.probes.{name}").read) for name in names()}


class Sampler:
    """Reads all probes once a second from `start` to `stop`; cpu_s is what that cost this process."""

    def __init__(self, rig: Rig) -> None:
        self.samples: list[Sample] = []
        self.cpu_s = 0.0
        self.errors: dict[str, str] = {}
        self._rig = rig
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="probes", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; one look may still be going on for a moment."""
        self._ending.set()
        self._thread.join(10)

    def _look(self) -> None:
        found, turn, due = probes(), 0, time.monotonic()
        while not self._ending.is_set():
            began = time.thread_time()
            for name, read in found.items():
                try:
                    for metric, value, labels in read(self._rig, turn):
                        self.samples.append(Sample(time.time(), name, metric, value, labels))
                except (OSError, ValueError, KeyError, WatchpostError) as error:
                    self.errors[name] = str(error)
            self.cpu_s += time.thread_time() - began
            turn, due = turn + 1, due + EVERY_S
            self._ending.wait(max(0.0, due - time.monotonic()))

"""Reads every probe once a second while a load runs, and writes what it reads as it comes."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

from loadtest.channel import Channel
from loadtest.probes import probes
from loadtest.rig import Rig
from loadtest.samples import COST, Sample, Table
from vm.errors import WatchpostError
from vm.lab import CORE

EVERY_S = 1.0


class Sampler:
    """From `start` to `stop`; path is where the samples go (see loadtest.samples), errors what could not be read, by probe, the last time."""

    def __init__(self, rig: Rig, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.errors: dict[str, str] = {}
        self.samples: list[Sample] = []
        self._rig = rig
        self._table = Table(path)
        self._clock = clock
        self._channels = [Channel(rig, kind) for kind in CORE]
        self._looking_s = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="probes", daemon=True)

    @property
    def cpu_s(self) -> float:
        """CPU seconds that probing took on this side."""
        return self._looking_s + sum(channel.cpu_s for channel in self._channels)

    def start(self) -> None:
        """Begin. What the harness holds by now, the plan of a load above all, is not searched for garbage again: that was half of what looking cost."""
        gc.collect()
        gc.freeze()
        for channel in self._channels:
            channel.start()
        self._thread.start()

    def stop(self) -> None:
        """End; one look may still be going on for a moment."""
        gc.unfreeze()
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(10)
        for channel in self._channels:
            channel.stop()
            self.errors |= channel.errors
        self._keep([sample for channel in self._channels for sample in channel.take()])
        self._table.close()

    def _keep(self, came: list[Sample]) -> None:
        self._table.add(came)
        self.samples += came

    def _look(self) -> None:
        found, turn, due = probes(), 0, time.monotonic()
        while not self._ending.is_set():
            came: list[Sample] = []
            for name, read in found.items():
                try:
                    came += [Sample(self._clock(), name, metric, value, labels) for metric, value, labels in read(self._rig, turn)]
                except (OSError, ValueError, KeyError, WatchpostError) as error:
                    self.errors[name] = str(error)
            for channel in self._channels:
                came += channel.take()
                came.append(Sample(self._clock(), COST, "cpu_s", channel.cpu_s, f"of=asking-{channel.kind}"))
            self._looking_s = time.thread_time()
            self._keep([*came, Sample(self._clock(), COST, "cpu_s", self._looking_s, "of=looking")])
            turn, due = turn + 1, max(due + EVERY_S, time.monotonic())
            self._ending.wait(max(0.0, due - time.monotonic()))

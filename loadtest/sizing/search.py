"""The search for the smallest size that meets every objective, and its proof at both edges.

Short trials narrow the lattice: vCPUs with ample memory first, then memory. Full trials decide at the size that is left, and one
step below it in each direction. The runs that picked a size do not prove it: proofs are runs of their own.
"""

from __future__ import annotations

from loadtest.objective import Verdict
from loadtest.run import Load
from loadtest.sizing import lattice
from loadtest.sizing.bench import Bench
from loadtest.sizing.edge import Edge, prove
from loadtest.sizing.effort import Effort
from loadtest.sizing.judge import Judge
from loadtest.sizing.judgement import Judgement
from loadtest.sizing.lattice import AMPLE_MIB, Axis, Cell
from loadtest.sizing.metrics import MEMORY_PEAK_MIB, apart_from_database
from vm.artefact import Record
from vm.hosting import MIN_MEMORY_MIB

LEAST_DATABASE_MIB = 96
"""PostgreSQL on a small machine: 64 MiB of buffers, the least that profile::monitor::budget gives it, and half as much for its processes."""


class Found(Record):
    """What a search found. verdict: passed: proven at both edges; failed: no measurable size passes; else invalid, and why.

    chosen: the smallest size that passed. passing: its judgement. tried: all judgements in their order.
    """

    chosen: Cell | None
    passing: Judgement | None
    edges: tuple[Edge, ...]
    tried: tuple[Judgement, ...]
    verdict: Verdict
    why: str = ""


class Search:
    """One search at a load, with the vCPUs that a host of so many cores can measure. start: a size that is known to be near, and is not looked for."""

    def __init__(self, bench: Bench, load: Load, effort: Effort, cores: int, disk_gib: int, start: Cell | None = None) -> None:
        self.bench = bench
        self.start = start
        self.quick = effort.name == "quick"
        self.vcpus = lattice.measurable(cores)
        self.judge = Judge(bench, load, effort, disk_gib)

    def find(self) -> Found:
        """Search, prove, and say what is known. Raises NotMade when a recorded set lacks a run."""
        if not self.vcpus:
            return self._found(None, (), "invalid", "this host has one core: the monitor has none of its own")
        if self.quick:
            return self._quick(Cell(vcpus=self.vcpus[-1], memory_mib=AMPLE_MIB))
        if self.start is not None:
            cell = self.start
        else:
            vcpus = self._least_vcpus()
            ample = self.judge.hint(Cell(vcpus=vcpus, memory_mib=AMPLE_MIB))
            if ample.verdict != "passed":
                return self._found(None, (), ample.verdict, ample.why or _broke(ample))
            cell = self._least_memory(vcpus)
        while (guarded := self.judge.outlasts(cell)).verdict == "failed" and (higher := self._higher(guarded)) is not None:
            cell = higher
        return self._proof(cell)

    def so_far(self, why: str) -> Found:
        """What is known when the search was cut short."""
        return self._found(None, (), "invalid", why)

    def _quick(self, top: Cell) -> Found:
        """What the largest size says by itself."""
        judged = self.judge.hint(top)
        if judged.verdict != "passed":
            return self._found(None, (), judged.verdict, judged.why or _broke(judged))
        return self._found(None, (), "passed", "one size was run, and a smaller one computed from it")

    def _least_vcpus(self) -> float:
        """The fewest vCPUs that pass with ample memory; what is invalid counts as not passing here. The most are not tried where fewer pass."""
        low, high = -1, len(self.vcpus) - 1  # low fails; high passes, or is the most there is
        while high - low > 1:
            middle = (low + high) // 2
            passes = self.judge.hint(Cell(vcpus=self.vcpus[middle], memory_mib=AMPLE_MIB)).verdict == "passed"
            low, high = (low, middle) if passes else (middle, high)
            if passes:
                self.bench.watch.known(f"{self.vcpus[high]:g} vCPU pass, with ample memory")
        return self.vcpus[high]

    def _least_memory(self, vcpus: float) -> Cell:
        """The least memory that passes with these vCPUs, looked for around the peak that was measured with ample memory.

        PostgreSQL does not count with what it took there: Puppet gives it less on a smaller machine.
        """
        names = self.judge.hint(Cell(vcpus=vcpus, memory_mib=AMPLE_MIB)).runs
        peaks = [apart_from_database(run).value for name in names if MEMORY_PEAK_MIB in (run := self.bench.served[name]).metrics]
        guess = min(AMPLE_MIB, lattice.up_to_step(max(peaks) + LEAST_DATABASE_MIB)) if peaks else lattice.START_MIB
        passes = self.judge.hint(Cell(vcpus=vcpus, memory_mib=guess)).verdict == "passed"
        low, high = (0, guess) if passes else (guess, AMPLE_MIB)  # low fails (or is no machine), high passes
        stride = lattice.STEP_MIB
        while high - low > lattice.STEP_MIB:
            probe = max(high - stride, low + lattice.STEP_MIB) if passes else min(low + stride, high - lattice.STEP_MIB)
            if probe < MIN_MEMORY_MIB:
                break
            if self.judge.hint(Cell(vcpus=vcpus, memory_mib=probe)).verdict == "passed":
                high = probe
            else:
                low = probe
            stride *= 2
            if low and high < AMPLE_MIB:  # both sides known: halve from here
                stride = max(lattice.STEP_MIB, (high - low) // 2 // lattice.STEP_MIB * lattice.STEP_MIB)
            self.bench.watch.known(f"{vcpus:g} vCPU, {high} MiB pass" + (f", {low} MiB do not" if low else ""))
        return Cell(vcpus=vcpus, memory_mib=high)

    def _proof(self, cell: Cell) -> Found:
        """Climb until full trials pass, then go down until both edges fail."""
        while (judged := self.judge.proven(cell)).verdict == "failed":
            higher = self._higher(judged)
            if higher is None:
                return self._found(None, (), "failed", _broke(judged))
            self.bench.watch.known(f"{cell} passed short trials and not full ones")
            cell = higher
        if judged.verdict == "invalid":
            return self._found(judged, (), "invalid", judged.why)
        axes: tuple[Axis, ...] = ("cpu", "memory")
        while True:
            edges = []
            for axis in axes:
                edge, passing = self._edge(cell, axis)
                if passing is not None:  # noise misled the short trials: smaller will do
                    self.bench.watch.known(f"{passing.cell} passes too")
                    cell, judged = passing.cell, passing
                    break
                edges.append(edge)
            else:
                lacking = "; ".join(f"{edge.axis}: {edge.why}" for edge in edges if not edge.proven)
                return self._found(judged, tuple(edges), "invalid" if lacking else "passed", f"not proven, {lacking}" if lacking else "")

    def _edge(self, cell: Cell, axis: Axis) -> tuple[Edge, Judgement | None]:
        """The edge one step below, and the judgement of that size when it passes after all."""
        lower = lattice.below(cell, axis)
        if lower is None:
            return Edge(axis=axis, cell=None, why="the lattice ends here"), None
        low_load = self.judge.low_load(lower)
        if low_load.verdict != "passed":
            return prove(axis, lower, low_load, None), None
        judged = self.judge.edge(lower, axis)
        if judged.verdict == "passed" and self.judge.failed_before(lower):
            edge = prove(axis, lower, low_load, None)
            return edge.model_copy(update={"why": "full trials of this size failed once and passed once: the edge is not sharp"}), None
        if judged.verdict == "passed":
            return prove(axis, lower, low_load, None), judged
        return prove(axis, lower, low_load, self.bench.served[judged.runs[-1]]), None

    def _higher(self, judged: Judgement) -> Cell | None:
        """One step up in what ran out; vCPUs only as far as this host measures them."""
        resource = judged.broken.objective.resource if judged.broken else "any"
        more_cpu = lattice.above(judged.cell, "cpu")
        if more_cpu is not None and more_cpu.vcpus not in self.vcpus:
            more_cpu = None
        more_memory = lattice.above(judged.cell, "memory")
        if resource == "disk":
            return None
        return more_memory or more_cpu if resource == "memory" else more_cpu or more_memory

    def _found(self, passing: Judgement | None, edges: tuple[Edge, ...], verdict: Verdict, why: str) -> Found:
        return Found(
            chosen=passing.cell if passing else None, passing=passing, edges=edges, tried=tuple(self.judge.tried.values()), verdict=verdict, why=why
        )


def _broke(judged: Judgement) -> str:
    broken = judged.broken
    return f"the largest size that this host can measure, {judged.cell}, breaks {broken.objective.name if broken else 'an objective'}"

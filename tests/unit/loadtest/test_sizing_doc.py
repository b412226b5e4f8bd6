"""The worked example of the sizing model's page has the figures that the code computes from the recorded set."""

from __future__ import annotations

from pathlib import Path

from test_report import recalled

from loadtest.sizing.disk import GIB

PAGE = Path(__file__).resolve().parents[3] / "docs/explanation/sizing-model.md"


def test_the_worked_example_is_the_recorded_set() -> None:
    text = " ".join(PAGE.read_text().split())
    sizing = recalled()
    cpu, memory, need, disk, found = sizing.model.cpu_cores, sizing.model.memory_mib, sizing.need, sizing.disk, sizing.found
    assert cpu and memory and need and need.cell and disk and found and found.chosen and need.steady_cores
    grown = cpu.at(sizing.request.load.results_per_s * 2)
    at = {one.what: one for one in sizing.compared}
    steady, peak = at["CPU while steady"], at["memory peak while steady, PostgreSQL apart"]
    assert steady.measured and peak.measured
    year = disk.day_bytes.high * 365 / GIB
    for figure in (
        f"b = {cpu.slope.value:.6f}, a = {cpu.base:.5f}, s = {cpu.spread:.6f}",
        f"= {steady.predicted.value:.4f} cores, interval {steady.predicted.low:.4f} to {steady.predicted.high:.4f}; measured {steady.measured.value:.4f}",
        f"b = {memory.slope.value:.3f} MiB a host, interval {memory.slope.low:.3f} to {memory.slope.high:.3f}; a = {memory.base:.1f} MiB",
        f"{peak.predicted.value:.1f} MiB at 50 hosts, measured {peak.measured.value:.1f}",
        f"smallest {found.chosen.vcpus:g} vCPU and {found.chosen.memory_mib} MiB",
        f"= {grown.value:.4f}, upper end {need.steady_cores:.4f}",
        f"**{need.cell.vcpus:g} vCPU**",
        f"x {memory.slope.high:.3f} + 84 = {need.memory_mib:.0f} MiB, on the lattice **{need.cell.memory_mib} MiB**",
        f"= {disk.changes_per_day:,.0f} changes a day at up to {disk.bytes_per_change.high:,.1f} bytes",
        f"{disk.day_bytes.high:,.0f} bytes a day",
        f"= {disk.base_mib / 1024:.3f} GiB, logs 0.5; a year adds {year:.3f}; {disk.base_mib / 1024 + 0.5 + year:.3f} / 0.7",
        f"**{disk.gib} GiB**",
        f"= {sizing.limits[0].multiple:.2f}. Memory bites first",
    ):
        assert figure in text, figure

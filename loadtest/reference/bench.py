"""What `invoke bench.host` does: the reference workload on the monitor of a lab, or on any Debian machine that SSH reaches."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from loadtest.estimate import Estimate
from loadtest.reference.figure import REFERENCE_S, UNITS, WORDS, ReferenceFigure, reference
from provision import machines, options
from provision.ssh import Machine
from provision.stages import existing_host
from vm import lab as labs
from vm.lab import Lab
from vm.progress import note
from vm.secret_store import SecretStore

SPREAD = 0.2
"""An interval wider than this share of the figure is told."""


def bench(lab: Lab, host: str = "") -> ReferenceFigure:
    """Measure. host: `root@ADDRESS` of a machine that the operator's SSH knows; nothing is installed or left there.

    Raises BadInput without such a lab or for an address that is none, WatchpostError when the machine cannot be reached.
    """
    if host:
        address, port = existing_host.parse(host)
        return on(Machine.of_operator(host, str(address), "root", port), emulated=False)
    asked = options.read(lab)
    with labs.hold(lab, "invoke bench.host"):
        return on(machines.connect(lab, "monitor", SecretStore(lab.secrets)), emulated=asked.accelerator == "tcg")


def on(machine: Machine, *, emulated: bool) -> ReferenceFigure:
    """Measure one machine and close its connection."""
    note(f"{machine.name}: the reference workload, at most a minute")
    try:
        return reference(machine, emulated=emulated)
    finally:
        machine.close()


def show(found: ReferenceFigure, out: Console) -> None:
    """Each part beside the reference, the sum in units, and what a plugin's start costs."""
    shown = Table("part", "CPU ms", "from - to", "reference", box=None, pad_edge=False)
    for part, words in WORDS.items():
        if part in found.parts_ms:
            shown.add_row(words, *figures(found.parts_ms[part]), f"{REFERENCE_S[part] * 1000:.0f}")
        else:
            shown.add_row(words, "not run", "", f"{REFERENCE_S[part] * 1000:.0f}")
    for kind, cost in found.start_ms.items():
        shown.add_row(f"one start, {kind}", f"{cost.value:.2f}", f"{cost.low:.2f} - {cost.high:.2f}", "")
    out.print(shown)
    for told in (*found.doubts, *(f"{WORDS[part]}: not run, {why}" for part, why in found.not_run.items())):
        out.print(f"NOTE: {told}")
    units = found.units
    if units is None:
        out.print("no part ran: there is no figure")
        return
    of = f", from {len(found.parts_ms)} of {len(WORDS)} parts: it compares only with figures of the same parts" if found.not_run else ""
    noisy = "; it varied much, measure again when the machine is quiet" if units.high - units.low > SPREAD * units.value else ""
    out.print(f"one core of {found.machine} ({found.cpu_model}): {units.value:.0f} reference units ({units.low:.0f} - {units.high:.0f}){of}{noisy}")
    out.print(f"{UNITS:g} units: the four parts in {sum(REFERENCE_S.values()):.1f} CPU seconds; {found.rounds} rounds in {found.seconds:.0f} s", style="dim")


def figures(found: Estimate) -> tuple[str, str]:
    """A value and its interval in whole milliseconds."""
    return f"{found.value:.0f}", f"{found.low:.0f} - {found.high:.0f}"

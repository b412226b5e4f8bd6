"""What this host can do: runs every probe, shows the findings, judges which accelerator a VM takes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from vm import host_probes
from vm.errors import WatchpostError
from vm.finding import Finding, Question

Probe = Callable[[Question], Finding]
COLOURS = {"OK": "green", "degraded": "yellow", "missing": "red"}


def probes() -> dict[str, Probe]:
    """Every probe of the folder, by its file's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(host_probes.__path__))
    return {name: importlib.import_module(f"vm.host_probes.{name}").probe for name in names}


def _ask(name: str, probe: Probe, question: Question) -> Finding:
    try:
        return probe(question)
    except (WatchpostError, OSError, ValueError, LookupError) as error:
        # a host where even asking fails is a finding, not the end of all others
        what = error.what if isinstance(error, WatchpostError) else f"{type(error).__name__}: {error}"
        return Finding(name=name, level="missing", detail=f"the probe failed: {what}", remedy="look at the log")


def examine(kernel: Path | None, cache: Path, names: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Run these probes, by default all, side by side.

    kernel: what a guest would boot; cache: the file that remembers whether KVM boots it.
    """
    question, every = Question(kernel=kernel, cache=cache), probes()
    found = {name: every[name] for name in names} or every
    with ThreadPoolExecutor(max_workers=4) as pool:
        jobs = [pool.submit(_ask, name, probe, question) for name, probe in found.items()]
        return tuple(job.result() for job in jobs)


def _by_name(findings: Iterable[Finding], name: str) -> Finding:
    for finding in findings:
        if finding.name == name:
            return finding
    raise WatchpostError(f"no probe named {name} was run")


def accelerator(findings: Iterable[Finding]) -> Literal["kvm", "tcg"]:
    """KVM where it boots a kernel, TCG otherwise. Raises WatchpostError where neither works."""
    found = tuple(findings)
    if _by_name(found, "kvm").level == "OK":
        return "kvm"
    tcg = _by_name(found, "tcg")
    if tcg.level == "OK":
        return "tcg"
    raise WatchpostError(f"this host runs no VM: {tcg.detail}", "host probes kvm and tcg", tcg.remedy)


def accelerator_reason(findings: Iterable[Finding]) -> str:
    """Why, in one sentence for the user and the records."""
    found = tuple(findings)
    kvm = _by_name(found, "kvm")
    return f"{accelerator(found).upper()}, as {'KVM boots a kernel' if kvm.level == 'OK' else kvm.detail}"


def table(findings: Iterable[Finding]) -> Table:
    """The findings for a terminal."""
    shown = Table("probe", "level", "finding", "remedy", box=None, pad_edge=False)
    for finding in findings:
        colour = COLOURS[finding.level]
        remedy = finding.remedy if finding.level != "OK" else ""
        shown.add_row(finding.name, f"[{colour}]{finding.level}[/{colour}]", finding.detail, remedy)
    return shown


def show(findings: Iterable[Finding], console: Console | None = None) -> None:
    """Print the table."""
    (console or Console()).print(table(findings))


def as_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The findings for a machine."""
    return [finding.model_dump() for finding in findings]

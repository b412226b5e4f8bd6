"""The runs that a report rests on, laid beside it: records and raw data, so that another can recompute every figure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from loadtest.sizing.answer import Sizing
from loadtest.sizing.command import REQUEST
from loadtest.sizing.ledger import Ledger
from vm import artefact
from vm.errors import BadInput

RAW = ("samples", "results", "arrivals")
"""Of a run's files: what probes read, what Icinga said of each result, what was sent when. loadtest/recompute.py makes the figures of them."""


def lay(sizing: Sizing, runs: Path, folder: Path) -> tuple[Path, ...]:
    """Copy request, records and raw data of the sizing's runs from `runs` into a new directory, which `--recorded` then takes. Raises BadInput for one that is there."""
    if folder.exists():
        raise BadInput(f"{folder} is there already", str(folder), "evidence is never mixed: name a new directory, or remove that one")
    artefact.save(sizing.request, folder / REQUEST)
    names = {run.name for run in sizing.runs}
    for one in Ledger(runs).all():
        if one.run.name in names:
            Ledger(folder).keep(one.asked, one.run)
            for source in raw(runs, one.run.name, one.run.files):
                target = folder / "raw" / one.run.name / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    found = tuple(sorted(folder.rglob("*")))
    for path in (folder, *found):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tuple(path for path in found if path.is_file())


def raw(runs: Path, name: str, files: dict[str, str]) -> Iterator[Path]:
    """A run's raw data that are there."""
    for kind, file in sorted(files.items()):
        path = runs / "raw" / name / file
        if kind.startswith(RAW) and path.is_file():
            yield path

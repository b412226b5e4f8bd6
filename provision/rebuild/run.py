"""Build and provision again, look at what came of it, compare with the last good rebuild, keep the better one."""

from __future__ import annotations

import json
from pathlib import Path

from rich.table import Table

from provision import machines
from provision.deployment import code_digest
from provision.lab_plan import CONTROL_REPO
from provision.options import Options
from provision.raising import raise_lab, raze_lab
from provision.rebuild import layers
from provision.rebuild.compare import Comparison, compare, junit
from provision.rebuild.placeholders import Placeholders
from provision.rebuild.snapshot import Snapshot
from vm import artefact, logs
from vm import lab as labs
from vm.errors import BadInput
from vm.image import build
from vm.lab import Lab
from vm.progress import note
from vm.secret_store import SecretStore

KEPT = Path("/var/cache/watchpost/rebuilds")
"""Beside the images: destroying a lab must not take the last good rebuild along."""

CATALOGS = "/var/cache/puppet/client_data/catalog"
"""Where an agent keeps the catalog of its last run."""


def folder(lab: Lab) -> Path:
    """Where baseline and reports of a lab's rebuilds are kept."""
    return KEPT / lab.name


def beside(lab: Lab) -> Lab:
    """The lab in which a rebuild is tried while the lab itself goes on."""
    return labs.of_name(f"{lab.name[:27]}-new")


def snapshot(lab: Lab, options: Options) -> Snapshot:
    """Look at a lab's monitor through every aspect."""
    secrets = SecretStore(lab.secrets)
    known = {name: secrets.get(name) for name in secrets.names()}
    image, _ = build.find_or_build("monitor", CONTROL_REPO / "data")
    machine = machines.connect(lab, "monitor", secrets)
    try:
        catalog = json.loads(machine.run(["cat", f"{CATALOGS}/{lab.fqdn('monitor')}.json"]).stdout)
        source = layers.Source(machine, catalog, image, Placeholders(lab.name, lab.network, known))
        aspects = {name: read(source) for name, read in layers.readers().items()}
    finally:
        machine.close()
    asked = options.model_dump(mode="json", exclude={"accelerator", "accelerator_reason"})
    return Snapshot(
        lab=lab.name, driver=options.driver, code=code_digest(CONTROL_REPO), lock=image.lock_digest, recipe=image.digest,
        options=artefact.digest(asked), aspects=aspects,
    )  # fmt: skip


def rebuild(lab: Lab, options: Options, baseline: Path | None, *, in_place: bool, keep: bool) -> Comparison | None:
    """Rebuild and compare; None when there was nothing to compare with, and this rebuild is the baseline from now on.

    baseline: another file than the lab's own last good rebuild; it is only read. in_place: the lab itself is made anew.
    keep: the lab beside stays. Raises WatchpostError when building or provisioning fails, BadInput for an unusable baseline.
    """
    path = baseline or folder(lab) / "baseline.json"
    if baseline is not None and not baseline.exists():
        raise BadInput("there is no such baseline", str(baseline), "give a baseline.json that an earlier rebuild wrote")
    before = artefact.load(Snapshot, path) if path.exists() else None
    target = lab if in_place else beside(lab)
    raze_lab(target, "invoke rebuild")
    build.find_or_build("monitor", CONTROL_REPO / "data", rebuild=True)
    try:
        raise_lab(target, options, "invoke rebuild")
        after = snapshot(target, options)
    finally:
        keep_log(target, lab)
        if not in_place and not keep:
            raze_lab(target, "invoke rebuild")
    artefact.save(after, folder(lab) / "last.json")
    if before is None:
        artefact.save(after, folder(lab) / "baseline.json")
        return None
    found = compare(before, after, str(path))
    artefact.save(found, folder(lab) / "comparison.json")
    artefact.write_file(folder(lab) / "junit.xml", junit(found))
    if not found.drift:
        artefact.save(after, folder(lab) / "baseline.json")
    return found


def keep_log(target: Lab, lab: Lab) -> None:
    """Keep the story of a rebuild where its reports are: the lab beside takes its own along."""
    log = logs.of_lab(target)
    if log.exists():
        artefact.write_file(folder(lab) / "provision.log", log.read_bytes())


def table(found: Comparison, most: int = 20) -> Table:
    """The comparison for a terminal; of each aspect at most so many differences."""
    shown = Table("aspect", "compared", "intended", "drift", box=None, pad_edge=False)
    for aspect, rows in found.aspects.items():
        mine = [one for one in found.differences if one.aspect == aspect]
        drift = [one for one in mine if one.kind == "drift"]
        shown.add_row(aspect, str(rows), str(len(mine) - len(drift)), f"[red]{len(drift)}[/red]" if drift else "0")
        for one in mine[:most]:
            shown.add_row("", f"{one.name}: {one.before} -> {one.after}", "", one.kind)
        if len(mine) > most:
            shown.add_row("", f"and {len(mine) - most} more, in comparison.json", "", "")
    moved = ", ".join(found.moved) or "nothing"
    shown.caption = f"against {found.baseline}; moved since: {moved}"
    return shown


def tell_first(lab: Lab) -> None:
    """Say that there was nothing to compare with."""
    note(f"there was no baseline; this rebuild is the baseline now: {folder(lab) / 'baseline.json'}")

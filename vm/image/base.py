"""The package stage: a root file system of exactly the packages of a lock, installed without a network.

APT and dpkg work from a repository that holds these .debs alone, whether they were fetched a moment or a year ago: that
is why a cold build and a locked one give the same bits. Does not own our own files (assemble.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vm import artefact
from vm.command import run
from vm.errors import WatchpostError
from vm.image import debs, sandbox
from vm.image.lock import LockedPackage, PackageLock, differences, named

FORMAT = 1
"""Raised when the package stage changes so that cached ones must not be used any more."""


def digest(lock: PackageLock, here: Path) -> str:
    """What the package stage is made from: the lock and the hook that runs before most packages. Pure but for reading it."""
    return artefact.digest([FORMAT, lock.model_dump(mode="json"), artefact.digest_files([here / "hooks/essential"], here)])


def mmdebstrap_argv(lock: PackageLock, repository: Path, hook: Path, target: Path) -> list[str]:
    """The command that installs a lock's packages from a local repository. Pure.

    The suite is left empty, as the repository is of none; variant `apt` and the names that Debian marks required are minbase.
    """
    return [
        "mmdebstrap", "--variant=apt", "--format=directory", f"--architectures={lock.architecture}",
        f"--include={','.join(sorted({*lock.asked, *lock.required}))}",
        "--dpkgopt=force-unsafe-io",  # no sync after each package: a build that is cut short is thrown away
        f"--essential-hook={hook}",
        "", str(target), f"deb [trusted=yes] copy:{repository} ./",
    ]  # fmt: skip


def stanza(control: str, package: LockedPackage, size_bytes: int) -> str:
    """A package's entry in the repository's index; APT holds the file to this sha256 once more. Pure."""
    return f"{control.rstrip()}\nFilename: ./{package.file_name}\nSize: {size_bytes}\nSHA256: {package.sha256}\n"


def repository(packages: Sequence[LockedPackage], cache: Path, target: Path) -> None:
    """Make a repository of a lock's .debs and no others."""
    target.mkdir(mode=0o755)
    target.chmod(0o755)
    debs.link(packages, cache, target)

    def entry(package: LockedPackage) -> str:
        path = target / package.file_name
        return stanza(run(["dpkg-deb", "--field", path], log_output=False).stdout, package, path.stat().st_size)

    with ThreadPoolExecutor(max_workers=2) as pool:
        artefact.write_file(target / "Packages", "\n".join(pool.map(entry, packages)), 0o644)


def installed(status: str, lock: PackageLock) -> tuple[LockedPackage, ...]:
    """The packages of dpkg's status file; each has the lock's sha256 if name, version and architecture are the lock's. Pure."""
    hashes = {(p.name, p.version, p.architecture): p.sha256 for p in lock.packages}
    found = []
    for block in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(" "))
        if fields.get("Status") == "install ok installed":
            key = (fields["Package"], fields["Version"], fields["Architecture"])
            found.append(LockedPackage(name=key[0], version=key[1], architecture=key[2], sha256=hashes.get(key, "")))
    return tuple(found)


def build(lock: PackageLock, cache: Path, work: Path, here: Path) -> None:
    """Install a lock's packages into work/tree. Raises WatchpostError when that fails or gives other packages."""
    repository(lock.packages, cache, work / "repository")
    sandbox.run_offline(
        mmdebstrap_argv(lock, work / "repository", here / "hooks/essential", work / "tree"),
        sandbox.environment(lock.source_date_epoch, work),
    )
    shutil.rmtree(work / "repository")
    changes = differences(lock.packages, installed((work / "tree/var/lib/dpkg/status").read_text(), lock))
    if changes:
        raise WatchpostError(f"APT installed other packages than the lock names: {named(changes)}", str(work))

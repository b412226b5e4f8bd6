"""Debian's mirror as APT sees it, from a private APT root: what a list of packages comes to today, and the .debs.

The mirror is mmdebstrap's own default; no name of a host stands here. APT checks signatures and hashes on the way in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vm.artefact import Record, write_file
from vm.command import run
from vm.errors import WatchpostError
from vm.image import debs
from vm.image.lock import LockedPackage, named

ALWAYS = ("?essential", "?priority(required)", "apt")
"""What mmdebstrap calls minbase."""

URI = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) \d+ SHA256:(?P<sha256>[0-9a-f]{64})")
INST = re.compile(r"Inst (?P<name>\S+) \((?P<version>\S+) (?P<origins>.*?) \[(?P<architecture>\w+)\]\)")


class Resolved(Record):
    """What the mirror offers for a list of names: packages, which of them are required, which come for security."""

    packages: tuple[LockedPackage, ...]
    required: tuple[str, ...]
    security: tuple[str, ...]


def architecture() -> str:
    """The host's architecture in Debian's words; images are of the same."""
    return run(["dpkg", "--print-architecture"]).stdout.strip()


def default_sources(suite: str, work: Path) -> str:
    """The sources.list that mmdebstrap would give a system of this suite; asks no network."""
    run(
        ["mmdebstrap", "--quiet", "--variant=custom", "--format=null", "--components=main", "--skip=update",
         f"--setup-hook=copy-out /etc/apt/sources.list {work}", suite],
        env={"TMPDIR": str(work), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    found = work / "sources.list"
    text = found.read_text()
    found.unlink()
    return text


def asks_for_valid() -> bool:
    """Whether the host's own APT refuses a Release file past its Valid-Until; who uses a dated mirror tells it not to (apt.conf(5))."""
    told = run(["apt-config", "shell", "ASKS", "Acquire::Check-Valid-Until/b"]).stdout
    return told.strip() != "ASKS='false'"


def configuration(root: Path, arch: str, *, asks: bool = True) -> str:
    """APT's configuration for the private root: nothing of the host's but the keys, and whether it asks for a Release file that is still valid. Pure."""
    settings = {
        "APT::Architecture": arch, "APT::Architectures": arch, "APT::Install-Recommends": "false", "APT::Sandbox::User": "root",
        "Dir": str(root), "Dir::Etc": f"{root}/etc", "Dir::State": f"{root}/state", "Dir::State::status": f"{root}/status",
        "Dir::Cache": f"{root}/cache",
        "Dir::Etc::Trusted": "/etc/apt/trusted.gpg", "Dir::Etc::TrustedParts": "/etc/apt/trusted.gpg.d",
        "Acquire::Languages": "none", "Acquire::ForceHash": "sha256", "Acquire::Retries": "2",
        "Acquire::Check-Valid-Until": "true" if asks else "false",
    }  # fmt: skip
    return "".join(f'{name} "{value}";\n' for name, value in settings.items())


def parse(uris: str, simulation: str) -> tuple[tuple[LockedPackage, ...], tuple[str, ...]]:
    """Packages, and the names of those from the security archive, out of APT's own words. Pure.

    uris: of `apt-get install --print-uris`; simulation: of `apt-get install --simulate`. Raises WatchpostError when the
    two do not tell of the same packages.
    """
    hashes = {match["file"]: match["sha256"] for match in URI.finditer(uris)}
    packages, security = [], []
    for match in INST.finditer(simulation):
        name = match["name"].partition(":")[0]
        package = LockedPackage(name=name, version=match["version"], architecture=match["architecture"], sha256="")
        if package.file_name not in hashes:
            raise WatchpostError(f"APT tells no sha256 of {package}", package.file_name)
        packages.append(package.model_copy(update={"sha256": hashes.pop(package.file_name)}))
        if "Debian-Security:" in match["origins"]:
            security.append(name)
    if hashes or not packages:
        raise WatchpostError(f"APT would fetch what it would not install: {named(sorted(hashes)) or 'nothing at all'}", "apt-get install")
    return tuple(sorted(packages, key=lambda package: package.name)), tuple(sorted(security))


def asked(package: LockedPackage) -> str:
    """One package and no other, in APT's words. Pure."""
    return f"{package.name}={package.version}" if package.architecture == "all" else f"{package.name}:{package.architecture}={package.version}"


class Mirror:
    """A private APT root under a directory, which keeps the mirror's lists between builds."""

    def __init__(self, root: Path, archives: Path, sources: str, arch: str) -> None:
        self.archives, self.landing = archives, archives / "partial"
        for directory in (root / "etc/apt.conf.d", root / "etc/preferences.d", root / "etc/sources.list.d", root / "state/lists/partial",
                          root / "cache/archives/partial", archives):  # fmt: skip
            directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        write_file(root / "etc/sources.list", sources, 0o644)
        write_file(root / "status", "", 0o644)
        write_file(root / "apt.conf", configuration(root, arch, asks=asks_for_valid()), 0o644)
        self.env: Mapping[str, str] = {"APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C.UTF-8"}
        self.updated = False

    def apt(self, *words: str, cwd: Path | None = None) -> str:
        """Run apt-get. Raises WatchpostError with APT's own first complaint."""
        # it ends together with us: a process that goes on fetching would hold APT's locks against the next command
        result = run(["setpriv", "--pdeathsig", "KILL", "--", "apt-get", "-qq", "--yes", *words], env=self.env, timeout_s=1800, check=False, cwd=cwd)
        if result.returncode:
            if "No space left" in result.stderr or "enough free space" in result.stderr:
                raise WatchpostError(
                    "the packages could not be fetched: the disk is full", str(self.archives), "make 1 GiB of room there; what was fetched is kept"
                )  # fmt: skip
            lines = [line for line in result.stderr.splitlines() if line.startswith("E: ")] or result.stderr.splitlines()
            raise WatchpostError(
                f"the package mirror did not serve `apt-get {words[0]}`: {(lines or ['no reason given'])[0].removeprefix('E: ')}",
                str(self.archives), "does `apt-get update` work here? What was fetched is kept; the same command goes on from there",
            )  # fmt: skip
        return result.stdout

    def update(self) -> None:
        """Fetch the lists, once; a list that is not to be had is an error, not a warning."""
        if not self.updated:
            self.apt("update", "--error-on=any")
            self.updated = True

    def resolve(self, names: Sequence[str]) -> Resolved:
        """What the names and all they depend on come to today."""
        self.update()
        packages, security = parse(
            self.apt("install", "--print-uris", *ALWAYS, *names), self.apt("install", "--simulate", *ALWAYS, *names)
        )
        required = {match["file"].partition("_")[0] for match in URI.finditer(self.apt("download", "--print-uris", "?priority(required)"))}
        locked = {package.name for package in packages}
        return Resolved(packages=packages, required=tuple(sorted(locked & required)), security=security)

    def fetch(self, packages: Sequence[LockedPackage]) -> bool:
        """Fetch exactly these .debs; False when the mirror has them no more. Only whole ones come into the cache, also of a fetch that was cut."""
        self.landing.mkdir(exist_ok=True, mode=0o755)
        missing = debs.take(packages, self.landing, self.archives)
        self.update()
        try:
            if missing:
                self.apt("download", *(asked(package) for package in missing), cwd=self.landing)
        except WatchpostError as error:
            if "was not found" in error.what or "Unable to locate" in error.what or "Can't find" in error.what:
                return False
            raise
        finally:
            debs.take(packages, self.landing, self.archives)
        return True

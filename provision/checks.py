"""What tasks need besides their one function: checking the user's words against the lab, and the project's own checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from provision import up
from vm import artefact
from vm.artefact import write_file
from vm.command import run
from vm.drivers import driver
from vm.errors import BadInput, WatchpostError
from vm.hosting import HostingSpec
from vm.image import build
from vm.lab import KINDS, MAX_HOSTS, Lab
from vm.progress import note
from vm.secret_store import SecretStore

DEFAULT_HOSTS = 20
MIN_MONITOR = HostingSpec(vcpus=1, memory_mib=512, disk_gib=4)
"""Below this the class profile::monitor refuses to size its services."""
COLLECT_MODES = ("query", "realise")


def number(text: str, option: str) -> int:
    """A whole number that the user gave. Raises BadInput naming the option."""
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no whole number", option, f"write for example {option} {DEFAULT_HOSTS}") from error


def present_hosts(lab: Lab) -> int:
    """How many hosts a lab has; a new one gets the default. A fleet that was grown is not shrunk by a mere second run."""
    path = lab.records / "options.json"
    return artefact.load(up.Options, path).hosts if path.exists() else DEFAULT_HOSTS


def options(hosts: int, seed: int, driver_name: str, spec: HostingSpec, collect: str) -> up.Options:
    """The words of provision as a record. Raises BadInput for what cannot be."""
    if not 1 <= hosts <= MAX_HOSTS:
        raise BadInput(f"a lab has no room for {hosts} hosts", "--hosts", f"give a number from 1 to {MAX_HOSTS}")
    if collect not in COLLECT_MODES:
        raise BadInput(f"there is no way of collecting named {collect!r}", "--collect", f"use {' or '.join(COLLECT_MODES)}")
    driver(driver_name)
    if spec.memory_mib < MIN_MONITOR.memory_mib or spec.disk_gib < MIN_MONITOR.disk_gib:
        raise BadInput(
            f"the monitoring stack does not fit into {spec}", "--memory, --disk, --offer",
            f"give at least {MIN_MONITOR.memory_mib} MiB and {MIN_MONITOR.disk_gib} GiB",
        )  # fmt: skip
    return up.Options(hosts=hosts, seed=seed, driver=driver_name, spec=spec, collect_mode=collect)


def guest_kernel(checkout: Path) -> Path | None:
    """The kernel of the cached monitor image, for the KVM probe; any of the host's; or None."""
    found = build.cached("monitor", checkout / "puppet_fixtures" / "data")
    if found is not None:
        return found.kernel
    return next(iter(sorted(Path("/boot").glob("vmlinuz-*"))), None)


def resized(lab: Lab, hosts: int) -> up.Options:
    """The options of a running lab with another number of hosts. Raises BadInput without a lab."""
    path = lab.records / "options.json"
    if not path.exists():
        raise BadInput(f"there is no lab {lab.name}", str(lab.directory), "run `invoke provision` first")
    old = artefact.load(up.Options, path)
    checked = options(hosts, old.seed, old.driver, old.spec, old.collect_mode)
    return checked.model_copy(update={"accelerator": old.accelerator, "accelerator_reason": old.accelerator_reason})


def driver_of(lab: Lab, machine: str) -> str:
    """Which driver runs a machine of a lab. Raises BadInput for a wrong name or no lab."""
    if machine not in KINDS:
        raise BadInput(f"there is no machine {machine!r}", "--machine", f"the machines are: {', '.join(KINDS)}")
    path = lab.records / "options.json"
    if not path.exists():
        raise BadInput(f"there is no lab {lab.name}", str(lab.directory), "run `invoke provision` first")
    return artefact.load(up.Options, path).driver if machine == "monitor" else "container"


def ssh_argv(lab: Lab, machine: str) -> list[str]:
    """The ssh command for a machine, its host key pinned in a file of the lab."""
    driver_of(lab, machine)
    secrets = SecretStore(lab.secrets)
    key, _ = secrets.ssh_key("ssh-admin")
    _, host_key = secrets.ssh_key(f"ssh-host-{machine}")
    known = lab.directory / "known_hosts"
    write_file(known, f"{lab.address(machine)} {host_key}\n")
    return ["ssh", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}",
            "-o", "StrictHostKeyChecking=yes", f"root@{lab.address(machine)}"]  # fmt: skip


def static(checkout: Path) -> None:
    """ruff, mypy, Puppet's parser, puppet-lint. Raises WatchpostError with what the first failing one said."""
    manifests = [str(path.relative_to(checkout)) for path in sorted((checkout / "puppet_fixtures").rglob("*.pp"))]
    tools = {
        "ruff": [sys.executable, "-m", "ruff", "check", "."],
        "mypy": [sys.executable, "-m", "mypy", "--strict", "tasks.py", "vm", "puppet_fixtures", "provision"],
        "puppet parser": ["puppet", "parser", "validate", *manifests],
        "puppet-lint": ["puppet-lint", "--fail-on-warnings", "--no-140chars-check", "--relative", *manifests],
    }
    failed = []
    for name, argv in tools.items():
        result = run(argv, cwd=checkout, check=False)
        note(f"{name}: {'ok' if result.returncode == 0 else 'FAILED'}")
        if result.returncode:
            failed.append(name)
            print(result.stdout + result.stderr)
    if failed:
        raise WatchpostError(f"these checks failed: {', '.join(failed)}", str(checkout))


def run_pytest(checkout: Path, arguments: list[str]) -> int:
    """Run pytest with its output shown; returns its exit code."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=checkout).returncode

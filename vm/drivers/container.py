"""Run a machine natively: systemd-nspawn over a read-only image tree, with CPU and memory limits.

For support machines always, for the monitor with --driver container. Works also where PID 1 is not systemd and
cgroups are v1. The container's mounts live in a private mount namespace and go with its last process.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from vm import artefact, cgroups, processes
from vm.command import run
from vm.drivers import MachineSpec, console_log, mac, machine_directory, own_disk
from vm.errors import BadInput, WatchpostError
from vm.hosting import HostingSpec
from vm.lab import AGENTS, Lab
from vm.wait import wait_until


class Running(artefact.Record):
    """A started container: the nspawn process and the container's PID 1 as the host sees it.

    no_own_disk: why its files lie on the host's file system, empty when it has a disk of its own.
    """

    version: int = 2
    supervisor: processes.OwnedProcess
    leader: processes.OwnedProcess
    no_own_disk: str = "made before containers had disks"


def nspawn_argv(spec: MachineSpec) -> list[str]:
    """The systemd-nspawn command. Every credential comes from a file: --set-credential would stand in argv."""
    directory = spec.directory
    argv = [
        "systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--boot",
        f"--directory={directory / 'merged'}",
        f"--machine={spec.lab.name}-{spec.kind}"[:64],
        f"--network-bridge={spec.lab.bridge}",
        "--console=read-only", "--timezone=off", "--link-journal=no", "--resolv-conf=off",
    ]  # fmt: skip
    names = sorted([*spec.credentials.public, *spec.credentials.secret])
    argv += [f"--load-credential={name}:{directory / 'credentials' / name}" for name in names]
    return argv


def start(spec: MachineSpec) -> None:
    """Start the container; returns when its PID 1 runs. A container that runs already is left alone."""
    if running(spec.lab, spec.kind):
        return
    stop(spec.lab, spec.kind)
    directory = spec.directory
    for name in ("merged", "credentials"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    no_own_disk = make_disk(spec)
    (directory / "credentials").chmod(0o700)
    for name, text in spec.credentials.public.items():
        artefact.write_file(directory / "credentials" / name, text)
    for name, path in spec.credentials.secret.items():
        artefact.write_file(directory / "credentials" / name, path.read_bytes())
    plan = {
        "lab": spec.lab.name,
        "kind": spec.kind,
        "vcpus": spec.vcpus,
        "memory_mib": spec.memory_mib,
        "directory": str(directory),
        "own_disk": not no_own_disk,
        "image": str(spec.image.tree),
        "argv": nspawn_argv(spec),
    }
    artefact.write_file(directory / "start.json", json.dumps(plan, indent=2))
    launch(spec.lab, spec.kind, no_own_disk)


def launch(lab: Lab, kind: str, no_own_disk: str) -> None:
    """Start what start.json plans; returns when its PID 1 runs."""
    directory = machine_directory(lab, kind)
    with (directory / "console.log").open("ab") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--",
             sys.executable, "-m", "vm.drivers.container_entry", str(directory / "start.json")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip

    def leader() -> int | None:
        if process.poll() is not None:
            said = console_log.last_words(lab, kind, lines=2)
            raise WatchpostError(f"container {kind} did not start: {said}", str(directory / "console.log"))
        found = processes.children(process.pid)
        return next((pid for pid in found if processes.name(pid) == "systemd"), None)

    pid = wait_until(leader, reason=f"PID 1 of container {kind}", deadline_s=30, interval_s=0.05)
    run(["nsenter", f"--target={pid}", "--net", "--", "ip", "link", "set", "host0", "address", mac(lab, kind)])
    artefact.save(
        Running(supervisor=processes.owned(process.pid), leader=processes.owned(pid), no_own_disk=no_own_disk), directory / "running.json"
    )


def grow(lab: Lab, kind: str, spec: HostingSpec) -> str:
    """Give a running container this size; returns why that is not possible while it runs, empty when it is done.

    Raises WatchpostError when it does not run.
    """
    state, directory = running(lab, kind), machine_directory(lab, kind)
    if state is None:
        raise WatchpostError(f"container {kind} does not run", lab.name, "run `invoke provision`")
    plan = json.loads((directory / "start.json").read_text())
    cgroups.resize(lab.name, kind, spec.vcpus, spec.memory_mib)
    artefact.write_file(directory / "start.json", json.dumps(plan | {"vcpus": spec.vcpus, "memory_mib": spec.memory_mib}, indent=2))
    if state.no_own_disk:
        return ""  # it shares the host's file system
    return own_disk.grow(directory, own_disk.size_mib(spec.disk_gib, allocated_mib(Path(plan["image"]))), state.supervisor.pid)


def reboot(lab: Lab, kind: str) -> None:
    """Shut a container down in order and start it with the files that it has. Raises WatchpostError when it does not run."""
    state = running(lab, kind)
    if state is None:
        raise WatchpostError(f"container {kind} does not run", lab.name, "run `invoke provision`")
    stop(lab, kind, orderly=True)
    launch(lab, kind, state.no_own_disk)


def make_disk(spec: MachineSpec) -> str:
    """Give the monitor, or a real monitored machine, a disk of its own if it has none; returns why it has none, empty when it has."""
    directory = spec.directory
    if (directory / own_disk.NAME).exists():
        own_disk.fit(directory, own_disk.size_mib(spec.disk_gib, allocated_mib(spec.image.tree)))
        return ""
    if spec.kind != "monitor" and spec.kind not in AGENTS.values():
        return "support machines share the host's file system"
    if (directory / "upper").exists():
        return "made before containers had disks"
    return own_disk.make(directory, own_disk.size_mib(spec.disk_gib, allocated_mib(spec.image.tree)))


def allocated_mib(tree: Path) -> int:
    """MiB that the files of a tree take."""
    return int(run(["du", "-sx", "--block-size=1M", tree]).stdout.split()[0])


def running(lab: Lab, kind: str) -> Running | None:
    """The running container, or None; a record of another version counts as none, its processes as strays."""
    try:
        state = artefact.load(Running, machine_directory(lab, kind) / "running.json")
    except BadInput:
        return None
    return state if processes.alive(state.leader) else None


def strays(lab: Lab, kind: str) -> list[int]:
    """Processes still in the container's groups: what a killed start left behind."""
    found: set[int] = set()
    for directory in cgroups.groups(lab.name, kind).values():
        for path in directory.rglob("cgroup.procs"):
            found.update(int(word) for word in path.read_text().split())
    return sorted(found - {os.getpid()})


def stop(lab: Lab, kind: str, *, orderly: bool = False) -> None:
    """End the container, with orderly by a clean shutdown first; its files stay."""
    directory = machine_directory(lab, kind)
    state = running(lab, kind)
    if state and orderly:
        processes.end(state.leader, first=38, patience_s=60)  # SIGRTMIN+4: systemd powers off (systemd(1))
    if state:
        processes.end(state.leader, first=9)
        processes.end(state.supervisor, first=15)
    for pid in strays(lab, kind):
        try:
            processes.end(processes.owned(pid), first=9)
        except ProcessLookupError:
            continue
    if not strays(lab, kind):
        cgroups.remove(lab.name, kind)
    own_disk.detach(directory)
    (directory / "running.json").unlink(missing_ok=True)


def destroy(lab: Lab, kind: str) -> None:
    """End the container and remove its files."""
    stop(lab, kind)
    directory = machine_directory(lab, kind)
    if directory.exists():
        shutil.rmtree(directory)


def leader_pid(lab: Lab, kind: str) -> int:
    """Id of the container's PID 1. Raises WatchpostError when the container does not run."""
    state = running(lab, kind)
    if state is None:
        raise WatchpostError(f"container {kind} does not run", lab.name, "run `invoke provision`")
    return state.leader.pid


def network_namespace(lab: Lab, kind: str) -> Path:
    """The container's network namespace, for processes of the harness that belong into it."""
    return Path(f"/proc/{leader_pid(lab, kind)}/ns/net")


def inside(lab: Lab, kind: str, argv: list[str], *, check: bool = True, timeout_s: float = 600) -> str:
    """Run a command inside, past the network: the container's out-of-band access."""
    return run(enter_argv(lab, kind) + argv, check=check, timeout_s=timeout_s).stdout


def enter_argv(lab: Lab, kind: str) -> list[str]:
    """What to put before a command to run it inside the container."""
    return ["nsenter", f"--target={leader_pid(lab, kind)}", "--all", "--wd=/root", "--"]


def console_argv(lab: Lab, kind: str) -> list[str]:
    """An interactive root shell that needs no network."""
    return [*enter_argv(lab, kind), "/bin/bash", "-l"]

"""What the machine `puppet` needs to know of this lab: the control repository and the lab's own Hiera data.

Renders the data (pure) and puts both there. Secrets stand in one node's file each, readable by the Puppet server alone.
"""

from __future__ import annotations

import io
import math
import tarfile
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml

from provision.ssh import Machine
from puppet_fixtures import fleet
from vm import artefact
from vm.hosting import HostingSpec
from vm.lab import CORE, Lab
from vm.secret_store import SecretStore, fingerprint

ENVIRONMENT = "/etc/puppet/code/environments/production"
LAB_DATA = "/etc/puppet/lab"
CODE = ("data", "manifests", "modules", "site", "environment.conf", "hiera.yaml")
NODE_SECRETS: Mapping[str, tuple[str, ...]] = {
    "puppet": ("puppetdb_db",),
    "monitor": ("icingadb_db", "icingaweb_db", "redis", "web_admin", "web_commands", "basic_auth", "icinga_enrolment"),
    "fleet": (),
}
PROBE = "ssh-probe"
"""The key that the monitor's checks of SSH and SFTP use; it opens accounts that can do next to nothing."""
OVERVIEW = "ssh-overview"
"""The key with which the monitor pushes the public overview: it opens an account that takes files."""
REAL = {"role": "plain", "profile::base::checks::disk_vars": {"disk_partitions": ["/"], "disk_exclude_type": ["none"]}}
"""Data of a real monitored machine. A container's root is an overlay, which Icinga's check of disks leaves out as a rule."""
REPOSITORY = "openpgp-apt-repository"
"""The key that signs the APT repository; the monitor's checks know its public half."""
SIGNER = "apt-repository@localhost"
EXTRA_CERTIFICATES = ("icinga", "harness")
"""Certificates that are no Puppet nodes: Icinga's endpoint on the monitor, the harness's read-only API client."""


def enrolment_secret(certname: str) -> str:
    """Name of the secret that a certname's certificate request must carry."""
    return f"enrol-{certname}"


def lab_data(
    lab: Lab, hosts: Mapping[str, IPv4Address], collect_mode: str, probe_key: str, overview_key: str, repository_key: str, server: str, smarthost: str,
    seen_from: IPv4Address,
) -> dict[str, Any]:
    """The public data of the lab (lab.yaml). probe_key: public key of the monitor's SSH checks; overview_key: of the public overview; repository_key: of the APT repository, armoured."""
    return {
        "lab::domain": lab.domain,
        "lab::network": str(lab.network),
        "lab::gateway": str(seen_from),
        "lab::addresses": {kind: str(lab.address(kind)) for kind in CORE},
        "lab::smarthost": smarthost,
        "lab::smarthost_port": 25,
        "lab::hosts": {name: str(address) for name, address in sorted(hosts.items())},
        "lab::collect_mode": collect_mode,
        "lab::probe_public_key": " ".join(probe_key.split()[:2]),
        "lab::overview_public_key": " ".join(overview_key.split()[:2]),
        "lab::apt_repository_key": repository_key,
        "lab::puppet_server": server,
    }


def node_data(lab: Lab, kind: str, spec: HostingSpec, secrets: SecretStore) -> dict[str, Any]:
    """The data of one of the lab's machines (nodes/CERTNAME.yaml)."""
    data: dict[str, Any] = {"role": kind}
    if kind == "monitor":
        data |= {"hosting::vcpus": math.ceil(spec.vcpus), "hosting::memory_mib": spec.memory_mib, "hosting::disk_gib": spec.disk_gib}
        data["secrets::probe_private_key"] = secrets.ssh_key(PROBE)[0].read_text()
        data["secrets::overview_private_key"] = secrets.ssh_key(OVERVIEW)[0].read_text()
    if kind == "fleet":
        data["secrets::apt_repository_key"] = secrets.openpgp_key(REPOSITORY, SIGNER)[0]
    for name in NODE_SECRETS[kind]:
        key = enrolment_secret(f"icinga.{lab.domain}") if name == "icinga_enrolment" else name
        data[f"secrets::{name}"] = secrets.get(key)
    return data


def enrolled(lab: Lab, hosts: Iterable[str], agents: Iterable[str] = ()) -> list[str]:
    """Every certname that may ask for a certificate."""
    return [*(lab.fqdn(kind) for kind in (*CORE, *agents)), *(lab.fqdn(name) for name in EXTRA_CERTIFICATES), *hosts]


def lab_files(
    lab: Lab,
    roles: Mapping[str, str],
    addresses: Mapping[str, IPv4Address],
    spec: HostingSpec,
    secrets: SecretStore,
    collect_mode: str,
    server: str,
    smarthost: str,
    seen_from: IPv4Address,
    services: int = 0,
    agents: tuple[str, ...] = (),
    compress: int = 1,
) -> dict[str, str]:
    """Every file below /etc/puppet/lab by name. agents: kinds of real monitored machines, with their addresses among `addresses`. roles: simulated hosts and their roles; server: name of the Puppet server;
    seen_from: where the harness comes from, for the packet filters. services: how many each simulated host pushes; 0: what its role has. compress: what the intervals of its checks are divided by.
    """
    probe_key, overview_key = secrets.ssh_key(PROBE)[1], secrets.ssh_key(OVERVIEW)[1]
    repository_key = secrets.openpgp_key(REPOSITORY, SIGNER)[1]
    files = {"lab.yaml": yaml.safe_dump(lab_data(lab, addresses, collect_mode, probe_key, overview_key, repository_key, server, smarthost, seen_from))}
    for kind in CORE:
        files[f"nodes/{lab.fqdn(kind)}.yaml"] = yaml.safe_dump(node_data(lab, kind, spec, secrets))
    for certname, role in roles.items():
        files[f"nodes/{certname}.yaml"] = yaml.safe_dump(fleet.node_data(role, services, compress))
    for kind in agents:
        files[f"nodes/{lab.fqdn(kind)}.yaml"] = yaml.safe_dump(REAL)
    for certname in enrolled(lab, roles, agents):
        files[f"enrolment/{certname}"] = fingerprint(secrets.get(enrolment_secret(certname))) + "\n"
    return files


def code_files(control_repo: Path) -> list[Path]:
    """The control repository's files that go to the Puppet server."""
    found = []
    for name in CODE:
        top = control_repo / name
        found += [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
    return sorted(path for path in found if "__pycache__" not in path.parts)


def code_digest(control_repo: Path) -> str:
    """Digest of the code that the Puppet server compiles from."""
    return artefact.digest_files(code_files(control_repo), control_repo)


def code_archive(control_repo: Path) -> bytes:
    """The control repository as a tar, owned by root, without times."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path in code_files(control_repo):
            member = tarfile.TarInfo(str(path.relative_to(control_repo)))
            member.size = path.stat().st_size
            member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                tar.addfile(member, content)
    return stream.getvalue()


def data_archive(files: Mapping[str, str], group_id: int) -> bytes:
    """The lab's data as a tar: directories 0750, files 0640, readable by the Puppet server's group."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("nodes", "enrolment"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode, folder.gid = tarfile.DIRTYPE, 0o750, group_id
            tar.addfile(folder)
        for name, text in sorted(files.items()):
            member = tarfile.TarInfo(name)
            data = text.encode()
            member.size, member.mode, member.gid = len(data), 0o640, group_id
            member.mtime = time.time()  # Hiera takes a file of the same inode, size and time for unchanged
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def replace_directory(machine: Machine, target: str, archive: bytes, owner: str, mode: str) -> None:
    """Unpack an archive beside a directory and put it in its place; a cut leaves the old one or the new one."""
    fresh, old = f"{target}.new", f"{target}.old"
    machine.run(["rm", "-rf", fresh, old])
    machine.run(["install", "-d", "-m", mode, "-g", owner, fresh])
    machine.run(["tar", "-C", fresh, "--numeric-owner", "-xf", "-"], input=archive)
    machine.run(["sh", "-c", 'if [ -e "$1" ]; then mv "$1" "$2"; fi; mv "$3" "$1"', "sh", target, old, fresh])
    machine.run(["rm", "-rf", old])


def deploy(machine: Machine, control_repo: Path, files: Mapping[str, str]) -> None:
    """Put code and data on the machine `puppet`."""
    group = machine.run(["getent", "group", "puppet"]).stdout.split(":")[2]
    replace_directory(machine, ENVIRONMENT, code_archive(control_repo), "root", "0755")
    replace_directory(machine, LAB_DATA, data_archive(files, int(group)), "puppet", "0750")


def csr_attributes(secret: str) -> str:
    """A csr_attributes.yaml with the challenge password (RFC 2985, 5.4.1) that autosigning demands."""
    return yaml.safe_dump({"custom_attributes": {"1.2.840.113549.1.9.7": secret}})



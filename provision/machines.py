"""The lab's machines from the harness's side: their credentials, how to start them, how to reach them."""

from __future__ import annotations

import math

from provision.deployment import csr_attributes, enrolment_secret
from provision.ssh import Machine
from vm.artefact import write_file
from vm.drivers import MachineSpec, driver
from vm.drivers import host as hosts
from vm.hosting import HostingSpec
from vm.identity import Credentials, credentials
from vm.image.build import Image
from vm.lab import MAX_HOSTS, Lab
from vm.secret_store import SecretStore

SUPPORT = HostingSpec(vcpus=64, memory_mib=8192, disk_gib=100)
"""Support machines get no CPU limit of their own; the memory limit only keeps a runaway from taking the host along."""


def credentials_of(lab: Lab, kind: str, secrets: SecretStore) -> Credentials:
    """The credentials of a machine; the fleet carries the addresses of all hosts that the lab has room for."""
    _, admin = secrets.ssh_key("ssh-admin")
    host_key, _ = secrets.ssh_key(f"ssh-host-{kind}")
    enrolment = secrets.directory / f"csr-{kind}.yaml"
    write_file(enrolment, csr_attributes(secrets.get(enrolment_secret(lab.fqdn(kind)))))
    extra = [lab.host_address(number) for number in range(1, MAX_HOSTS + 1)] if kind == "fleet" else []
    return credentials(
        lab, kind, admin_key=admin, host_key=host_key, root_password=secrets.root_password_line(),
        enrolment=enrolment, extra_addresses=extra,
    )  # fmt: skip


def start(
    lab: Lab, kind: str, driver_name: str, image: Image, spec: HostingSpec, accelerator: str, secrets: SecretStore
) -> None:
    """Start a machine and return at once; one that runs already is left alone."""
    driver(driver_name).start(
        MachineSpec(
            lab=lab, kind=kind, image=image, credentials=credentials_of(lab, kind, secrets),
            vcpus=spec.vcpus if driver_name == "container" else math.ceil(spec.vcpus),
            memory_mib=spec.memory_mib, disk_gib=spec.disk_gib, accelerator=accelerator,
        )  # fmt: skip
    )


def address(lab: Lab, kind: str) -> str:
    """Where a machine is reached: its fixed address in the lab, or that of the host which stands in for it."""
    host = hosts.known(lab, kind)
    return str(host.address if host else lab.address(kind))


def connect(lab: Lab, kind: str, secrets: SecretStore) -> Machine:
    """Root on a machine of the lab, its host key pinned; on a host that is not the lab's, as the operator's own SSH does it."""
    host = hosts.known(lab, kind)
    if host:
        return Machine.of_operator(lab.fqdn(kind), str(host.address), host.user, host.port)
    key, _ = secrets.ssh_key("ssh-admin")
    _, host_key = secrets.ssh_key(f"ssh-host-{kind}")
    return Machine.of_lab(lab.fqdn(kind), str(lab.address(kind)), key, host_key)

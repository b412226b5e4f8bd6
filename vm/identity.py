"""Who a machine is, given at boot by systemd credentials, so that one image serves every lab. Pure.

Public values and secrets are kept apart: public ones may stand in a command line, secrets only in files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from vm.artefact import Record
from vm.lab import Lab


class Credentials(Record):
    """systemd credentials of one machine by name (systemd.system-credentials(7)); secrets as paths of files."""

    public: Mapping[str, str]
    secret: Mapping[str, Path]


def network_file(lab: Lab, addresses: Sequence[IPv4Address], *, routed: bool) -> str:
    """A networkd file for the machine's only interface; without routed there is no way out of the lab."""
    lines = ["[Match]", "Name=host0 eth0", "", "[Network]", "LinkLocalAddressing=no", "IPv6AcceptRA=no"]
    lines += [f"Address={address}/{lab.network.prefixlen}" for address in addresses]
    if routed:
        lines.append(f"Gateway={lab.gateway}")
    return "\n".join(lines) + "\n"


def credentials(
    lab: Lab,
    kind: str,
    *,
    admin_key: str,
    host_key: Path,
    root_password: Path,
    enrolment: Path,
    extra_addresses: Sequence[IPv4Address] = (),
) -> Credentials:
    """The credentials of a machine: name, network, admin's key; host key, root password and enrolment by file.

    enrolment is a Puppet csr_attributes.yaml. The fleet gets no default route: load cannot leave the lab from it.
    """
    resolver = f"nameserver {lab.gateway}\\nsearch {lab.domain}\\n".replace(" ", "\\x20")
    name = lab.fqdn(kind)
    return Credentials(
        public={
            "system.hostname": name,
            "ssh.authorized_keys.root": admin_key + "\n",
            "network.network.10-lab": network_file(
                lab, [lab.address(kind), *extra_addresses], routed=kind != "fleet"
            ),
            "network.hosts": f"127.0.0.1 localhost\n{lab.address(kind)} {name} {kind}\n",
            "tmpfiles.extra": f"f+ /etc/resolv.conf 0644 root root - {resolver}\n"
            "d /etc/ssh 0755 root root -\n"
            "f^ /etc/ssh/ssh_host_ed25519_key 0600 root root - tmpfiles.ssh-host-key\n"
            "d /etc/puppet 0755 root root -\n"
            "f^ /etc/puppet/csr_attributes.yaml 0600 root root - tmpfiles.csr-attributes\n",
        },
        secret={
            "tmpfiles.ssh-host-key": host_key,
            "tmpfiles.csr-attributes": enrolment,
            "watchpost.root-password": root_password,
        },
    )

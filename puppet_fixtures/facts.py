"""The structured facts of one simulated host, in the shape in which Puppet's agent reports them on Debian.

Owns the shape and plausible values; which hosts there are belongs to fleet. Pure: the clock comes as an argument.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

from puppet_fixtures.simulated_host import SimulatedHost

GIB = 1024**3
MIB = 1024**2


def facts_of(
    host: SimulatedHost, release: dict[str, str], at: datetime, booted: datetime, own_address: IPv4Address | None
) -> dict[str, Any]:
    """All facts; `release` is one table of releases.toml."""
    steady = random.Random(f"watchpost facts {host.seed} {host.certname}")
    now = random.Random(f"watchpost facts {host.seed} {host.certname} {int(at.timestamp())}")
    return {
        "os": _os(release),
        "kernel": "Linux",
        "kernelrelease": release["kernel"],
        "kernelversion": release["kernel"].split("-")[0].split("+")[0],
        "kernelmajversion": ".".join(release["kernel"].split(".")[:2]),
        "networking": _networking(host, steady, own_address),
        "memory": _memory(host, now),
        "processors": _processors(host),
        "load_averages": {period: round(now.uniform(0, host.vcpus), 2) for period in ("1m", "5m", "15m")},
        "disks": _disks(host),
        "partitions": _partitions(host, steady),
        "mountpoints": _mountpoints(host, steady),
        "filesystems": "ext2,ext3,ext4,vfat",
        "system_uptime": _uptime(int((at - booted).total_seconds())),
        "dmi": _dmi(steady),
        "identity": {"gid": 0, "group": "root", "privileged": True, "uid": 0, "user": "root"},
        "timezone": "UTC",
        "path": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ssh": _ssh(host, release),
        "ruby": {"platform": "x86_64-linux-gnu", "sitedir": "/usr/local/lib/site_ruby", "version": release["ruby"]},
        "facterversion": release["facter"],
        "puppetversion": release["puppet"],
        "clientcert": host.certname,
        "clientversion": release["puppet"],
        "clientnoop": False,
        "virtual": "kvm",
        "is_virtual": True,
        "hypervisors": {"kvm": {}},
        "fips_enabled": False,
        "augeas": {"version": "1.14.1"},
    }


def _os(release: dict[str, str]) -> dict[str, Any]:
    major, _, minor = release["full"].partition(".")
    numbers = {"full": release["full"], "major": release["major"]} | ({"minor": minor} if minor else {})
    return {
        "architecture": "amd64",
        "distro": {
            "codename": release["name"],
            "description": f"Debian GNU/Linux {major} ({release['name']})",
            "id": "Debian",
            "release": numbers,
        },
        "family": "Debian",
        "hardware": "x86_64",
        "name": "Debian",
        "release": numbers,
        "selinux": {"enabled": False},
    }


def _networking(host: SimulatedHost, draw: random.Random, own: IPv4Address | None) -> dict[str, Any]:
    mac = "52:54:00:" + ":".join(f"{draw.randrange(256):02x}" for _ in range(3))
    name, _, domain = host.certname.partition(".")
    ens3: dict[str, Any] = {"mac": mac, "mtu": 1500, "operational_state": "up", "physical": True}
    loopback = {"ip": "127.0.0.1", "mtu": 65536, "netmask": "255.0.0.0", "network": "127.0.0.0", "scope": "host"}
    answer: dict[str, Any] = {"domain": domain, "fqdn": host.certname, "hostname": name, "mac": mac, "mtu": 1500}
    if own is not None:
        network = IPv4Address(int(own) & 0xFFFFFC00)
        inet = {"ip": str(own), "netmask": "255.255.252.0", "network": str(network)}
        binding = {"address": str(own), "netmask": "255.255.252.0", "network": str(network)}
        ens3 |= inet | {"bindings": [binding], "scope": "global"}
        answer |= inet
    return answer | {"interfaces": {"ens3": ens3, "lo": loopback}, "primary": "ens3"}


def _memory(host: SimulatedHost, draw: random.Random) -> dict[str, Any]:
    def block(total: int, used: int) -> dict[str, Any]:
        return {
            "available": f"{(total - used) / GIB:.2f} GiB",
            "available_bytes": total - used,
            "capacity": f"{100 * used / total:.2f}%",
            "total": f"{total / GIB:.2f} GiB",
            "total_bytes": total,
            "used": f"{used / MIB:.2f} MiB",
            "used_bytes": used,
        }

    total = host.memory_mib * MIB - 64 * MIB
    return {
        "system": block(total, int(total * draw.uniform(0.2, 0.8))),
        "swap": block(GIB, int(GIB * draw.uniform(0, 0.2))),
    }


def _processors(host: SimulatedHost) -> dict[str, Any]:
    return {
        "cores": 1,
        "count": host.vcpus,
        "extensions": ["x86_64", "x86_64-v1", "x86_64-v2", "x86_64-v3"],
        "isa": "unknown",
        "models": ["AMD EPYC-Milan Processor"] * host.vcpus,
        "physicalcount": host.vcpus,
        "speed": "2.45 GHz",
        "threads": 1,
    }


def _disks(host: SimulatedHost) -> dict[str, Any]:
    size = host.disk_gib * GIB
    return {"vda": {"size": f"{host.disk_gib:.2f} GiB", "size_bytes": size, "type": "hdd", "vendor": "0x1af4"}}


def _partitions(host: SimulatedHost, draw: random.Random) -> dict[str, Any]:
    sizes = {"/dev/vda1": GIB // 1024, "/dev/vda2": GIB // 8, "/dev/vda3": host.disk_gib * GIB - GIB}
    kinds = {"/dev/vda1": None, "/dev/vda2": "vfat", "/dev/vda3": "ext4"}
    mounts = {"/dev/vda2": "/boot/efi", "/dev/vda3": "/"}
    answer = {}
    for name, size in sizes.items():
        entry: dict[str, Any] = {"size": f"{size / GIB:.2f} GiB", "size_bytes": size}
        entry["partuuid"] = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        if kinds[name]:
            entry |= {"filesystem": kinds[name], "mount": mounts[name]}
        answer[name] = entry
    return answer


def _mountpoints(host: SimulatedHost, draw: random.Random) -> dict[str, Any]:
    def mount(device: str, kind: str, size: int, used: int, options: list[str]) -> dict[str, Any]:
        return {
            "available": f"{(size - used) / GIB:.2f} GiB",
            "available_bytes": size - used,
            "capacity": f"{100 * used / size:.2f}%",
            "device": device,
            "filesystem": kind,
            "options": options,
            "size": f"{size / GIB:.2f} GiB",
            "size_bytes": size,
            "used": f"{used / GIB:.2f} GiB",
            "used_bytes": used,
        }

    root = host.disk_gib * GIB - GIB
    shared = host.memory_mib * MIB // 2
    return {
        "/": mount("/dev/vda3", "ext4", root, int(root * draw.uniform(0.2, 0.7)), ["rw", "relatime"]),
        "/boot/efi": mount("/dev/vda2", "vfat", GIB // 8, GIB // 64, ["rw", "relatime", "umask=0077"]),
        "/dev/shm": mount("tmpfs", "tmpfs", shared, 0, ["rw", "nosuid", "nodev"]),
        "/run": mount("tmpfs", "tmpfs", shared // 4, shared // 256, ["rw", "nosuid", "nodev", "noexec"]),
        "/tmp": mount("tmpfs", "tmpfs", shared, shared // 512, ["rw", "nosuid", "nodev"]),
    }


def _uptime(seconds: int) -> dict[str, Any]:
    days, hours = seconds // 86400, seconds // 3600
    text = f"{days} days" if days > 1 else "1 day" if days else f"{hours}:{seconds % 3600 // 60:02d} hours"
    return {"days": days, "hours": hours, "seconds": seconds, "uptime": text}


def _dmi(draw: random.Random) -> dict[str, Any]:
    return {
        "bios": {"release_date": "04/01/2014", "vendor": "SeaBIOS", "version": "1.16.2-1"},
        "chassis": {"type": "Other"},
        "manufacturer": "QEMU",
        "product": {"name": "Standard PC (Q35 + ICH9, 2009)", "uuid": str(uuid.UUID(int=draw.getrandbits(128), version=4))},
    }


def _ssh(host: SimulatedHost, release: dict[str, str]) -> dict[str, Any]:
    def key(kind: str, number: int) -> dict[str, Any]:
        digest = hashlib.sha256(f"{host.seed} {host.certname} {kind}".encode())
        sha256 = f"SSHFP {number} 2 {digest.hexdigest()}"
        return {"fingerprints": {"sha1": f"SSHFP {number} 1 {digest.hexdigest()[:40]}", "sha256": sha256}, "type": kind}

    return {
        "ecdsa": key("ecdsa-sha2-nistp256", 3),
        "ed25519": key("ssh-ed25519", 4),
        "rsa": key("ssh-rsa", 1),
        "version": {"full": release["ssh"]},
    }

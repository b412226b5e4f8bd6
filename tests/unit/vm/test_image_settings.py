"""Settings for a machine without a hypervisor of ours: what is refused, how they are written, and that only our disks are written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from vm.errors import BadInput
from vm.image import settings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcH1mHTTmTpr5A0D0k7V1wPjE1S0b0L0d0L0d0L0d0L me@desk"
GOOD = f"""hostname = "monitor.example.org"
authorized_keys = ["{KEY}"]
address = "192.0.2.10/24"
gateway = "192.0.2.1"
dns = ["192.0.2.53", "2001:db8::53"]
puppet_server = "puppet.example.org"
enrolment_secret = "abcdefghijklmnopqrst"
"""


def read(tmp_path: Path, text: str) -> settings.Settings:
    (tmp_path / "settings.toml").write_text(text)
    return settings.read(tmp_path / "settings.toml")


def test_good_settings_become_lines(tmp_path: Path) -> None:
    lines = settings.render(read(tmp_path, GOOD)).splitlines()[1:]
    assert lines == [
        "hostname=monitor.example.org", f"authorized_key={KEY}", "address=192.0.2.10/24", "gateway=192.0.2.1", "dns=192.0.2.53",
        "dns=2001:db8::53", "puppet_server=puppet.example.org", "enrolment_secret=abcdefghijklmnopqrst",
    ]  # fmt: skip


def test_dhcp_is_the_default(tmp_path: Path) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(("address", "gateway")))
    assert "address=dhcp\n" in settings.render(read(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("monitor.example.org", "Monitor_1", "hostname"), ("monitor.example.org", "a\\nb", "hostname"), (KEY, "not a key", "authorized_keys"),
        (KEY, KEY + "\\nevil", "authorized_keys"), (f'["{KEY}"]', "[]", "authorized_keys"), ("192.0.2.10/24", "192.0.2.300/24", "address"),
        ('gateway = "192.0.2.1"\n', "", "gateway"), ('["192.0.2.53", "2001:db8::53"]', "[]", "dns"), ("abcdefghijklmnopqrst", "short", "enrolment_secret"),
        ('puppet_server = "puppet.example.org"\n', "", "puppet_server"), ("hostname =", "host_name =", "hostname"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_without_a_secret(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as error:
        read(tmp_path, GOOD.replace(old, new))
    assert named in str(error.value) and "abcdefghijklmnopqrst" not in str(error.value)


def test_a_disk_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(8 * 2**20))
    before = disk.read_bytes()
    with pytest.raises(BadInput, match="no disk with a watchpost image"):
        settings.write(read(tmp_path, GOOD), disk)
    assert disk.read_bytes() == before
    with pytest.raises(BadInput, match="cannot be read"):
        settings.write(read(tmp_path, GOOD), tmp_path / "none")

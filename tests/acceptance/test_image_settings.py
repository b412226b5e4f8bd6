"""The image on a rented disk: written as it is, told who it is by one file, reachable after its first boot; untold, it says what it misses."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import CHECKOUT
from tests.acceptance.emulated import booted
from tests.acceptance.test_image_boot import DATA
from vm.command import run
from vm.image import build
from vm.image.disk import ESP_MIB, MIB

SECRET = "enrolment-secret-of-a-test"
SETTINGS = """hostname = "v4711.hoster.test"
authorized_keys = ["{key}"]
address = "10.0.2.15/24"
gateway = "10.0.2.2"
dns = ["10.0.2.3"]
puppet_server = "puppet.operator.test"
enrolment_secret = "{secret}"
"""


@pytest.fixture(scope="module")
def rented_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk of 8 GiB with the image at its start, as dd leaves it."""
    disk = tmp_path_factory.mktemp("rented") / "disk.raw"
    image, _ = build.find_or_build("monitor", DATA)
    run(["cp", "--sparse=always", image.disk, disk])
    with disk.open("r+b") as stream:
        stream.truncate(8 * 2**30)
    return disk


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def network(port: int) -> list[str]:
    """QEMU's words for a network that reaches nothing but our forward of SSH."""
    return ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=net"]


def test_an_image_that_was_told_nothing_says_what_it_misses(rented_disk: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "disk.raw"
    shutil.copy(rented_disk, fresh)
    with booted(fresh, tmp_path, how="cache=unsafe", more=network(free_port())) as console:
        text = console.read_text(errors="replace")
    assert "This machine was not told: hostname authorized_key address." in text
    assert "invoke image.write-settings" in text


def test_settings_on_the_efi_partition_make_it_reachable(rented_disk: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    (tmp_path / "settings.toml").write_text(SETTINGS.format(key=key.with_suffix(".pub").read_text().strip(), secret=SECRET))
    invoke = [str(Path(sys.executable).parent / "invoke"), "image.write-settings", "--disk", str(rented_disk), "--settings", str(tmp_path / "settings.toml")]
    done = subprocess.run(invoke, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    port = free_port()
    known = tmp_path / "known_hosts"
    ssh = ["ssh", "-p", str(port), "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}", "root@127.0.0.1"]
    with booted(rented_disk, tmp_path, how="cache=unsafe", more=network(port)) as console:
        text = console.read_text(errors="replace")
        assert "was not told" not in text and "v4711 login: " in text
        known.write_text(run(["ssh-keyscan", "-p", str(port), "-t", "ed25519", "127.0.0.1"], timeout_s=120).stdout)
        seen = run(["ssh-keygen", "-l", "-f", known]).stdout.split()[1]
        assert f"SSH host key: {seen}" in text, "the console shows the fingerprint to compare with"
        said = run([*ssh, "hostname; df --output=size -m / | tail -n 1; cat /etc/puppet/csr_attributes.yaml; sync"], timeout_s=120).stdout.splitlines()
        assert said[0] == "v4711.hoster.test"
        assert int(said[1]) > 6 * 1024, "the root has grown to the disk"
        assert any(SECRET in line for line in said[2:])
    left = run(["mtype", "-i", f"{rented_disk}@@{ESP_MIB[0] * MIB}", "::watchpost.conf"]).stdout
    assert "hostname=v4711.hoster.test" in left and SECRET not in left, "the secret is taken out once it was applied"

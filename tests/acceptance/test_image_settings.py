"""The image on a rented disk: written as it is, told who it is by one file, reachable after its first boot; untold, it says what it misses.

Once it is reachable, it takes a newer kernel from APT like any other Debian machine.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.conftest import CHECKOUT, INVOKE
from tests.acceptance.emulated import DEADLINE_S, booted, prompts
from tests.acceptance.test_image_boot import DATA
from vm.command import run
from vm.image import build, supply
from vm.image.disk import ESP_MIB, MIB
from vm.image.mirror import Mirror, architecture
from vm.image.packages import STABLE
from vm.wait import wait_until

pytestmark = pytest.mark.project

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


class Reachable(NamedTuple):
    """The rented machine after its first boot. options: how ssh and scp know each other; fingerprint: of the host key that SSH showed."""

    console: Path
    port: int
    options: tuple[str, ...]
    fingerprint: str

    def run(self, command: str, timeout_s: float = 120) -> str:
        """What a command prints on it."""
        return run(["ssh", "-p", str(self.port), *self.options, "root@127.0.0.1", command], timeout_s=timeout_s).stdout

    def fetch(self, files: Sequence[Path]) -> None:
        """Copy files into its root's home."""
        run(["scp", "-q", "-P", str(self.port), *self.options, *files, "root@127.0.0.1:"], timeout_s=DEADLINE_S)

    def reboot(self) -> None:
        """Let it reboot by itself; back at the next login prompt."""
        before = prompts(self.console)
        self.run("systemctl reboot")
        wait_until(lambda: prompts(self.console) > before, reason="a login prompt after the reboot", deadline_s=DEADLINE_S, interval_s=1)


@pytest.fixture(scope="module")
def reachable(rented_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reachable]:
    """The rented machine, told its settings and booted."""
    scratch = tmp_path_factory.mktemp("reachable")
    key, known, settings, port = scratch / "key", scratch / "known_hosts", scratch / "settings.toml", free_port()
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    settings.write_text(SETTINGS.format(key=key.with_suffix(".pub").read_text().strip(), secret=SECRET))
    invoke = [INVOKE, "image.write-settings", "--disk", str(rented_disk), "--settings", str(settings)]
    done = subprocess.run(invoke, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    options = ("-i", str(key), "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}")
    with booted(rented_disk, scratch, how="cache=unsafe", more=network(port)) as console:
        known.write_text(run(["ssh-keyscan", "-p", str(port), "-t", "ed25519", "127.0.0.1"], timeout_s=120).stdout)
        yield Reachable(console, port, options, run(["ssh-keygen", "-l", "-f", known]).stdout.split()[1])


def test_settings_on_the_efi_partition_make_it_reachable(reachable: Reachable, rented_disk: Path) -> None:
    text = reachable.console.read_text(errors="replace")
    assert "was not told" not in text and "v4711 login: " in text
    assert f"SSH host key: {reachable.fingerprint}" in text, "the console shows the fingerprint to compare with"
    said = reachable.run("hostname; df --output=size -m / | tail -n 1; cat /etc/puppet/csr_attributes.yaml; sync").splitlines()
    assert said[0] == "v4711.hoster.test"
    assert int(said[1]) > 6 * 1024, "the root has grown to the disk"
    assert any(SECRET in line for line in said[2:])
    left = run(["mtype", "-i", f"{rented_disk}@@{ESP_MIB[0] * MIB}", "::watchpost.conf"]).stdout
    assert "hostname=v4711.hoster.test" in left and SECRET not in left, "the secret is taken out once it was applied"


def newer_kernel(tree: Path, scratch: Path) -> list[Path]:
    """The .debs by which APT upgrades the kernel of a machine of this image from Debian's backports, as nothing in its own suite is newer."""
    sources = supply.read_sources("monitor")
    backports = next(line for line in sources.splitlines() if f" {STABLE} " in line).replace(STABLE, f"{STABLE}-backports")
    found = Mirror(scratch / "apt", scratch / "debs", f"{sources}{backports}\n", architecture())
    shutil.copy(tree / "var/lib/dpkg/status", scratch / "apt/status")
    found.update()
    found.apt("install", "--download-only", f"--target-release={STABLE}-backports", "linux-image-cloud-amd64")
    return sorted((scratch / "apt/cache/archives").glob("*.deb"))


@pytest.mark.thorough
def test_a_newer_kernel_package_is_what_runs_after_a_reboot(reachable: Reachable, tmp_path: Path) -> None:
    image, _ = build.find_or_build("monitor", DATA)
    debs = newer_kernel(image.tree, tmp_path)
    newer = next(path.name.partition("_")[0] for path in debs if re.match(r"linux-image-\d", path.name)).removeprefix("linux-image-")
    before = reachable.run("uname -r").strip()
    assert before == image.kernel.name.removeprefix("vmlinuz-"), "the control: at first the image's own kernel runs"
    run(["dpkg", "--compare-versions", newer, "gt", before])
    reachable.fetch(debs)
    reachable.run("DEBIAN_FRONTEND=noninteractive apt-get install --yes -q ./*.deb", timeout_s=DEADLINE_S)
    assert reachable.run("uname -r").strip() == before, "installing alone changes nothing"
    reachable.reboot()
    assert reachable.run("uname -r").strip() == newer
    assert reachable.run("systemctl is-system-running --wait").strip() == "running"

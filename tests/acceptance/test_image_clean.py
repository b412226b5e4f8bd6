"""Images hold nothing that a machine has to have for itself: no host keys, no identity, no passwords, no database, no certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.conftest import LiveLab
from vm.image import build

pytestmark = pytest.mark.project
DATA = Path(__file__).resolve().parents[2] / "puppet_fixtures/data"
ONLY_ONES = (
    "etc/hostname", "etc/ssh/ssh_host_*", "etc/postgresql/*/*", "var/lib/postgresql/*/*", "etc/ssl/private/*", "root/.ssh/*", "var/lib/puppet/ssl/*/*.pem",
    "etc/puppet/puppetserver/ca/*", "etc/puppetdb/ssl/*", "var/lib/icinga2/certs/*", "var/lib/systemd/random-seed", "var/lib/dbus/machine-id",
)  # fmt: skip
"""What must not be there, as patterns below the root."""


def own_things(tree: Path) -> list[str]:
    """What a file system has that should be one machine's alone: paths, and users with a password."""
    found = [str(path.relative_to(tree)) for pattern in ONLY_ONES for path in sorted(tree.glob(pattern))]
    machine_id, shadow = tree / "etc/machine-id", tree / "etc/shadow"
    if machine_id.exists() and machine_id.read_text().strip() not in ("", "uninitialized"):
        found.append("etc/machine-id")
    lines = shadow.read_text().splitlines() if shadow.exists() else []
    return found + [f"password of {line.split(':')[0]}" for line in lines if not line.split(":")[1].startswith(("*", "!"))]


@pytest.mark.parametrize("kind", ["monitor", "puppet", "fleet"])
def test_an_image_has_nothing_of_one_machine(lab: LiveLab, kind: str) -> None:
    image = build.cached(kind, DATA)
    assert image is not None, "the lab was made from it"
    assert (image.tree / "etc/ssh/sshd_config").exists() and (image.tree / "etc/shadow").exists()
    assert own_things(image.tree) == []


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    for number, pattern in enumerate(ONLY_ONES):
        path = tmp_path / pattern.replace("*", f"x{number}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "etc/shadow").write_text("root:$y$j9T$x:1::::::\ndaemon:*:1::::::\nnobody::1::::::\n")
    found = own_things(tmp_path)
    assert len(found) == len(ONLY_ONES) + 3 and found[-3:] == ["etc/machine-id", "password of root", "password of nobody"]

"""A lab's secrets are made once, kept to their owner, and never told where others look."""

from __future__ import annotations

import hashlib
import logging
import stat
from pathlib import Path

import pytest

from vm.command import run
from vm.secret_store import SecretStore, fingerprint


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    """An empty store."""
    return SecretStore(tmp_path / "secrets")


def test_a_secret_is_made_once(store: SecretStore) -> None:
    first = store.get("redis")
    assert len(first) >= 24 and store.get("redis") == first
    assert SecretStore(store.directory).get("redis") == first
    assert store.path("redis").read_text() == first


def test_every_secret_is_its_own(store: SecretStore, tmp_path: Path) -> None:
    found = {store.get("a"), store.get("b"), SecretStore(tmp_path / "other").get("a")}
    assert len(found) == 3
    assert store.names() == ["a", "b"]


def test_only_the_owner_reads(store: SecretStore) -> None:
    store.get("redis")
    store.ssh_key("ssh-admin")
    store.root_password_line()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.directory.iterdir()}
    assert modes == dict.fromkeys(("redis", "ssh-admin", "root-password", "root-password.line"), 0o600)
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700


def test_a_key_pair_is_stable_and_fits(store: SecretStore) -> None:
    path, public = store.ssh_key("ssh-admin")
    before = path.read_bytes()
    assert store.ssh_key("ssh-admin") == (path, public) and path.read_bytes() == before
    assert public.startswith("ssh-ed25519 ") and public == " ".join(run(["ssh-keygen", "-y", "-f", path]).stdout.split()[:2])
    assert store.ssh_key("ssh-host-monitor")[1] != public


def test_the_root_password_goes_out_as_a_hash_of_itself(store: SecretStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "watchpost.command"):
        line = store.root_password_line().read_text()
    password = store.get("root-password")
    user, _, hashed = line.rstrip("\n").partition(":")
    _, scheme, salt, _ = hashed.split("$")
    assert (user, scheme) == ("root", "6") and line.count("\n") == 1
    again = run(["openssl", "passwd", "-6", "-salt", salt, "-stdin"], input=password).stdout.strip()
    assert again == hashed
    assert run(["openssl", "passwd", "-6", "-salt", salt, "-stdin"], input=password + "x").stdout.strip() != hashed
    assert password not in line and password not in caplog.text and "openssl passwd" in caplog.text
    assert store.root_password_line().read_text() == line


def test_a_fingerprint_is_lower_case_hex_sha256() -> None:
    assert fingerprint("abc") == hashlib.sha256(b"abc").hexdigest() == fingerprint("abc").lower()
    assert fingerprint("abc") != fingerprint("abd")

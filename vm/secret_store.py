"""The lab's secrets: made once per lab, one file each, readable by root alone. Never in argv, logs or digests."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
import threading
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from vm.artefact import write_file
from vm.command import run

MAKING = threading.RLock()
"""Held while a secret is made: machines are started side by side and must agree. Processes are kept apart by the lab's lock."""


class SecretStore:
    """Secrets of one lab by name; asked for a new name, it makes a random one (144 bits)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, name: str) -> Path:
        """The file of a secret, made if need be."""
        path = self.directory / name
        with MAKING:
            if not path.exists():
                write_file(path, secrets.token_urlsafe(18))
        return path

    def get(self, name: str) -> str:
        """A secret's text."""
        return self.path(name).read_text()

    def names(self) -> list[str]:
        """What has been made so far."""
        if not self.directory.exists():
            return []
        return sorted(path.name for path in self.directory.iterdir() if not path.name.startswith("."))

    def ssh_key(self, name: str) -> tuple[Path, str]:
        """An ed25519 key pair: the private key's file (OpenSSH format) and the public key's line."""
        path = self.directory / name
        with MAKING:
            if not path.exists():
                key = ed25519.Ed25519PrivateKey.generate()
                private = key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
                )
                write_file(path, private)
        loaded = serialization.load_ssh_private_key(path.read_bytes(), password=None)
        public = loaded.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        return path, public.decode()

    def openpgp_key(self, name: str, address: str) -> tuple[str, str]:
        """A key pair that signs in an address' name: the private key and the public one, both armoured."""
        private, public = self.directory / name, self.directory / f"{name}.public"
        with MAKING:
            if not private.exists():
                for path, text in zip((public, private), _made_openpgp_key(address), strict=True):
                    write_file(path, text)
        return private.read_text(), public.read_text()

    def root_password_line(self) -> Path:
        """A file with chpasswd's line "root:HASH" of the lab's root password."""
        path = self.directory / "root-password.line"
        with MAKING:
            if not path.exists():
                hashed = run(["openssl", "passwd", "-6", "-stdin"], input=self.get("root-password"), log_output=False)
                write_file(path, f"root:{hashed.stdout.strip()}\n")
        return path


def _made_openpgp_key(address: str) -> tuple[str, str]:
    """Public and private."""
    with tempfile.TemporaryDirectory() as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
        run([*gpg, "--passphrase", "", "--quick-generate-key", address, "ed25519", "sign", "0"])
        private = run([*gpg, "--armor", "--export-secret-keys", address], log_output=False).stdout
        public = run([*gpg, "--armor", "--export", address]).stdout
        run(["gpgconf", "--homedir", home, "--kill", "all"])
    return public, private


def fingerprint(secret: str) -> str:
    """Lower-case hex sha256 of a secret: what the autosigning policy compares."""
    return hashlib.sha256(secret.encode()).hexdigest()

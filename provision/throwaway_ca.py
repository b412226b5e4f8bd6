"""A CA for once: certificates of tests and benchmarks, whose keys lie in a folder that is gone afterwards. Never a lab's."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def named(name: str) -> x509.Name:
    """A subject or issuer that is a CN alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """A CA in a folder: `issue` makes NAME.key and NAME.crt there. key: what it signs with, a new one by default."""

    def __init__(self, folder: Path, name: str = "ca", key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self.folder = folder
        self.certificate = folder / f"{name}.crt"
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._name = named(name)
        self._write(name, self._key, self._sign(self._name, self._key.public_key(), True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A key and a certificate for a name; the two files."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, key, self._sign(named(name), key.public_key(), False))

    def certify(self, name: str, key: ec.EllipticCurvePublicKey) -> str:
        """A certificate for somebody's key, as PEM."""
        return self._sign(named(name), key, False).public_bytes(serialization.Encoding.PEM).decode()

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ca: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        draft = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        draft = draft.public_key(key).serial_number(x509.random_serial_number())
        draft = draft.not_valid_before(now - datetime.timedelta(days=1))
        draft = draft.not_valid_after(now + datetime.timedelta(days=9))
        draft = draft.add_extension(x509.BasicConstraints(ca, None), True)
        return draft.sign(self._key, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, cert: x509.Certificate) -> tuple[Path, Path]:
        paths = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        paths[0].write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        paths[1].write_bytes(cert.public_bytes(pem))
        return paths

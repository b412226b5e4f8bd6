"""Keys and certificate requests of Puppet nodes. Pure: PEM in, PEM out; files belong to the caller.

P-256, because making an RSA-4096 key costs a second of CPU per host and this costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AttributeOID, NameOID

SPARE = timedelta(days=1)  # a certificate that ends sooner than this counts as ended


def new_key() -> bytes:
    """A private key on P-256 (PEM, PKCS#8)."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_bytes(key: bytes) -> bytes:
    """The public half of a private key (PEM), in the form in which certificates and requests are compared."""
    return _spki(_private(key).public_key())


def certificate_request(certname: str, key: bytes, secret: str) -> bytes:
    """A certificate request (PEM) for a certname that carries the secret as challengePassword (RFC 2985, 5.4.1).

    It asks for no extensions: the CA of a lab refuses them.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certname)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, secret.encode())
    return builder.sign(_private(key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def requested_by(request: bytes, key: bytes) -> bool:
    """Whether a certificate request (PEM) was made with this key; False for anything unreadable."""
    return requested_for(request, public_bytes(key))


def requested_for(request: bytes, public: bytes) -> bool:
    """Whether a certificate request (PEM) is for this public key (PEM); False for anything unreadable."""
    try:
        return _spki(x509.load_pem_x509_csr(request).public_key()).split() == public.split()
    except ValueError:
        return False


def request_fingerprint(request: bytes) -> str:
    """SHA256 of a certificate request (PEM), written as `puppetserver ca list` does. Raises ValueError for anything else."""
    der = x509.load_pem_x509_csr(request).public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).digest().hex(":").upper()


def refusal(certificate: bytes, certname: str, key: bytes, ca: bytes, now: datetime | None = None) -> str:
    """Why a certificate (PEM) is of no use to this name and key under this CA (PEM, one or more); empty if it is."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        authorities: Sequence[x509.Certificate] = x509.load_pem_x509_certificates(ca)
    except ValueError:
        return "it is no certificate"
    if found.subject != x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certname)]):
        return f"it is for {found.subject.rfc4514_string()}"
    if _spki(found.public_key()) != public_bytes(key):
        return "it belongs to another key"
    if not found.not_valid_before_utc <= (now or datetime.now(UTC)) <= found.not_valid_after_utc - SPARE:
        return "it is out of date"
    if not any(_issued_by(found, authority) for authority in authorities):
        return "it was issued by another CA"
    return ""


def _private(key: bytes) -> ec.EllipticCurvePrivateKey:
    loaded = serialization.load_pem_private_key(key, password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise ValueError("not an elliptic-curve key")
    return loaded


def _spki(key: object) -> bytes:
    encoded = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return bytes(encoded)


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True

"""Keys, certificate requests, and which certificates are of use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AttributeOID, NameOID

from provision.protocol import keys

NAME = "rsync-001.lab.test"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """A CA made for one test."""

    def __init__(self, name: str = "CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name
        self.certificate = self.sign(name, self.key.public_key())

    def sign(self, name: str, public: ec.EllipticCurvePublicKey, days: int = 100) -> bytes:
        builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(self.name)).public_key(public)
        builder = builder.serial_number(7).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=days))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def sign_for(self, key: bytes, name: str = NAME, days: int = 100) -> bytes:
        private = serialization.load_pem_private_key(key, None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return self.sign(name, private.public_key(), days)


def test_a_request_carries_name_and_secret_and_no_extensions() -> None:
    key = keys.new_key()
    found = x509.load_pem_x509_csr(keys.certificate_request(NAME, key, "s3cret"))
    assert found.subject == named(NAME)
    assert found.is_signature_valid
    assert found.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value == b"s3cret"
    assert len(found.extensions) == 0
    public = found.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"


def test_whose_request_it_is() -> None:
    mine, other = keys.new_key(), keys.new_key()
    request = keys.certificate_request(NAME, mine, "x")
    assert keys.requested_by(request, mine)
    assert not keys.requested_by(request, other)
    assert not keys.requested_by(b"junk", mine)


def test_a_certificate_for_this_name_key_and_ca_is_of_use() -> None:
    ca, key = Authority(), keys.new_key()
    bundle = Authority("other").certificate + ca.certificate  # a bundle of a two-tier CA holds several
    assert keys.refusal(ca.sign_for(key), NAME, key, bundle, NOW) == ""


def test_what_a_certificate_is_refused_for() -> None:
    ca, key = Authority(), keys.new_key()
    good = ca.sign_for(key)
    assert "another CA" in keys.refusal(good, NAME, key, Authority().certificate, NOW)
    assert "another key" in keys.refusal(good, NAME, keys.new_key(), ca.certificate, NOW)
    assert "CN=other" in keys.refusal(ca.sign_for(key, "other"), NAME, key, ca.certificate, NOW)
    assert "out of date" in keys.refusal(good, NAME, key, ca.certificate, NOW + timedelta(days=99, seconds=1))
    assert "out of date" in keys.refusal(good, NAME, key, ca.certificate, NOW - timedelta(days=2))
    assert "no certificate" in keys.refusal(b"junk", NAME, key, ca.certificate, NOW)


def test_a_key_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError):
        keys.public_bytes(b"junk")

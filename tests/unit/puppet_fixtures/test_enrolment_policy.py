"""The executable that decides for the CA which certificate requests are signed."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AttributeOID, NameOID

from provision.protocol import keys

POLICY = Path(__file__).parents[3] / "puppet_fixtures/site/profile/files/puppet/enrolment-policy"
NAME = "rsync-001.lab.test"
SECRET = "s3cret-of-this-host"


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_text(hashlib.sha256(SECRET.encode()).hexdigest() + "\n")
    return tmp_path


def decide(sums: Path, certname: str, request: bytes) -> tuple[int, str]:
    done = subprocess.run(
        ["ruby", "--disable=gems", POLICY, certname], input=request, env={"WATCHPOST_ENROLMENT": str(sums), "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )  # fmt: skip
    return done.returncode, done.stderr.decode()


def request(name: str = NAME, secret: str = SECRET) -> bytes:
    return keys.certificate_request(name, keys.new_key(), secret)


def builder(*names: str) -> x509.CertificateSigningRequestBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    return x509.CertificateSigningRequestBuilder().subject_name(subject)


def signed(unsigned: x509.CertificateSigningRequestBuilder) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_signs_who_knows_the_secret_of_the_name(sums: Path) -> None:
    assert decide(sums, NAME, request()) == (0, "")


def test_signs_rsa_as_well(sums: Path) -> None:
    unsigned = builder(NAME).add_attribute(AttributeOID.CHALLENGE_PASSWORD, SECRET.encode())
    key = rsa.generate_private_key(65537, 2048)
    assert decide(sums, NAME, unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))[0] == 0


@pytest.mark.parametrize("secret", ["another", SECRET + "x", SECRET[:-1], " " + SECRET, SECRET.upper(), "é" * 40])
def test_refuses_a_wrong_secret(sums: Path, secret: str) -> None:
    code, said = decide(sums, NAME, request(secret=secret))
    assert code == 1
    assert "wrong challengePassword" in said
    assert SECRET not in said
    assert secret not in said


def test_the_stored_sum_is_not_the_secret(sums: Path) -> None:
    assert decide(sums, NAME, request(secret=(sums / NAME).read_text().strip()))[0] == 1


def test_refuses_a_name_that_nobody_expects(sums: Path) -> None:
    assert decide(sums, "other.lab.test", request("other.lab.test")) == (
        1, 'enrolment of "other.lab.test" refused: not expected in this lab\n',
    )  # fmt: skip


def test_refuses_a_request_for_another_name(sums: Path) -> None:
    assert "subject is another name" in decide(sums, NAME, request("other.lab.test"))[1]


def test_refuses_two_names_in_one_subject(sums: Path) -> None:
    unsigned = builder(NAME, "puppet.lab.test").add_attribute(AttributeOID.CHALLENGE_PASSWORD, SECRET.encode())
    code, said = decide(sums, NAME, signed(unsigned))
    assert (code, "subject is another name" in said) == (1, True)


def test_refuses_no_secret(sums: Path) -> None:
    code, said = decide(sums, NAME, signed(builder(NAME)))
    assert (code, "no challengePassword" in said) == (1, True)


@pytest.mark.parametrize(
    "extension",
    [
        x509.SubjectAlternativeName([x509.DNSName("puppet.lab.test")]),
        x509.BasicConstraints(ca=True, path_length=None),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.34380.1.3.39"), b"\x0c\x04true"),  # pp_cli_auth
    ],
)
def test_refuses_extensions_even_with_the_secret(sums: Path, extension: x509.ExtensionType) -> None:
    unsigned = builder(NAME).add_attribute(AttributeOID.CHALLENGE_PASSWORD, SECRET.encode())
    code, said = decide(sums, NAME, signed(unsigned.add_extension(extension, critical=False)))
    assert (code, "asks for extensions" in said) == (1, True)


@pytest.mark.parametrize("name", ["", ".", "..", "../" + NAME, "/etc/passwd", NAME + "\n", NAME.upper(), "a" * 300, "a b", "-a", "a-", "a..b", "a.", ".a", "a_b"])
def test_refuses_what_is_no_certname(sums: Path, name: str) -> None:
    code, said = decide(sums, name, request())
    assert (code, "not a certname" in said) == (1, True)


@pytest.mark.parametrize("junk", [b"", b"\0" * 100, b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", b"x" * 200_000])
def test_refuses_junk(sums: Path, junk: bytes) -> None:
    assert decide(sums, NAME, junk)[0] == 1


def test_refuses_a_tampered_request(sums: Path) -> None:
    der = bytearray(x509.load_pem_x509_csr(request()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    pem = b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(bytes(der)) + b"-----END CERTIFICATE REQUEST-----\n"
    assert decide(sums, NAME, pem)[0] == 1


@pytest.mark.parametrize("content", ["", "short\n", "g" * 64])
def test_refuses_when_the_stored_sum_is_broken(sums: Path, content: str) -> None:
    (sums / NAME).write_text(content)
    code, said = decide(sums, NAME, request(secret=content.strip() or "x"))
    assert (code, "stored sum is no sha256" in said) == (1, True)


def test_refuses_a_directory_in_place_of_the_sum(sums: Path) -> None:
    (sums / "folder").mkdir()
    assert decide(sums, "folder", request("folder"))[0] == 1

"""Java's keystore: the time goes, the certificates stay, and the store is still one that Java accepts."""

from __future__ import annotations

import struct

import pytest

from vm.image import keystore


def store(*entries: tuple[str, int, bytes], tag: int = 2) -> bytes:
    """A JKS of certificates: name, time in milliseconds, content."""
    body = struct.pack(">III", keystore.MAGIC, 2, len(entries))
    for alias, time_ms, certificate in entries:
        body += struct.pack(">IH", tag, len(alias)) + alias.encode() + struct.pack(">QH", time_ms, 5) + b"X.509"
        body += struct.pack(">I", len(certificate)) + certificate
    return body + keystore.mac(body)


def test_two_stores_of_the_same_certificates_become_the_same() -> None:
    one = store(("debian:a", 1_700_000_000_123, b"AAA"), ("debian:b", 1_700_000_000_456, b"B" * 2000))
    other = store(("debian:b", 1_800_000_000_000, b"B" * 2000), ("debian:a", 1_800_000_000_001, b"AAA"))
    assert one != other
    assert keystore.steady(one, 1_600_000_000) == keystore.steady(other, 1_600_000_000)
    assert keystore.steady(one, 1_600_000_000) == store(("debian:a", 1_600_000_000_000, b"AAA"), ("debian:b", 1_600_000_000_000, b"B" * 2000))
    assert keystore.steady(store(("debian:a", 1, b"AAB")), 1) != keystore.steady(store(("debian:a", 1, b"AAA")), 1), "certificates count"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (store(("a", 1, b"A"))[:-1] + b"\0", "default password"),
        (b"\xca\xfe" + store()[2:], "no JKS"),
        (store(("a", 1, b"A"), tag=1), "an entry of kind 1"),
    ],
    ids=["digest", "magic", "private key"],
)
def test_what_is_no_store_of_certificates_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        keystore.steady(data, 1)

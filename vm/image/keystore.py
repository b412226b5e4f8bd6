"""Java's keystore of certificate authorities without the time at which it was made: each entry has the moment it was added.

The format is JKS (OpenJDK's sun.security.provider.JavaKeyStore): a head, entries, and a digest keyed with the store's
password, which Debian's ca-certificates-java leaves at Java's public default.
"""

from __future__ import annotations

import hashlib
import struct

PASSWORD = "changeit"
MAGIC = 0xFEEDFEED
TRUSTED_CERTIFICATE = 2


def mac(body: bytes) -> bytes:
    """The keyed digest behind a store's entries. Pure."""
    return hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()


def steady(store: bytes, epoch: int) -> bytes:
    """The same certificates, all added at epoch (seconds since 1970), sorted by name. Pure.

    Raises ValueError for what is no store of certificates alone, version 2, with the default password.
    """
    body = store[:-20]
    magic, version, count = struct.unpack_from(">III", body)
    if (magic, version) != (MAGIC, 2) or mac(body) != store[-20:]:
        raise ValueError("no JKS version 2 with the default password")
    entries, at = [], 12
    for _ in range(count):
        tag, length = struct.unpack_from(">IH", body, at)
        if tag != TRUSTED_CERTIFICATE:
            raise ValueError(f"an entry of kind {tag} among certificates")
        alias = body[at + 6 : at + 6 + length]
        at += 6 + length + 8  # the time
        (kind,) = struct.unpack_from(">H", body, at)
        (size,) = struct.unpack_from(">I", body, at + 2 + kind)
        end = at + 2 + kind + 4 + size
        entries.append((alias, struct.pack(">IH", tag, length) + alias + struct.pack(">Q", epoch * 1000) + body[at:end]))
        at = end
    if at != len(body):
        raise ValueError("something behind the last entry")
    made = body[:12] + b"".join(entry for _, entry in sorted(entries))
    return made + mac(made)

"""Mutual TLS as Icinga does it: both sides hold certificates of one CA, a peer's name is its CN."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any


def client_context(ca: Path | str, certificate: Path | str, key: Path | str) -> ssl.SSLContext:
    """Present our certificate, demand one of the CA; the caller then compares the peer's `common_name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca)
    context.load_cert_chain(certificate, key)
    return context


def common_name(peer: Any) -> str:
    """The CN in ssl's getpeercert() dictionary, empty when there is none."""
    for part in (peer or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""

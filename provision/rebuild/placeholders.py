"""Replaces what is a lab's own (addresses, names, secrets, keys and certificates) by what it is, so that two labs compare equal. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from ipaddress import IPv4Network

CERTIFICATE = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.S)
SSH_KEY = re.compile(r"\b(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256) AAAA[0-9A-Za-z+/=]+")
LONGEST = 120
"""Longer values are compared by their digest."""


class Placeholders:
    """The replacements of one lab."""

    def __init__(self, lab: str, network: IPv4Network, secrets: Mapping[str, str]) -> None:
        self._network = network
        first, second, third, _ = str(network.network_address).split(".")
        thirds = "|".join(str(int(third) + offset) for offset in range(network.num_addresses // 256))
        self._address = re.compile(rf"\b{first}\.{second}\.({thirds})\.(\d+)\b")
        self._third = int(third)
        found = {value: f"<secret {name}>" for name, value in secrets.items() if len(value) >= 8}
        self._words = sorted({**found, lab: "<lab>"}.items(), key=lambda item: -len(item[0]))

    def text(self, text: str) -> str:
        """The text with placeholders."""
        for word, stands_for in self._words:
            text = text.replace(word, stands_for)
        text = CERTIFICATE.sub(lambda found: f"<{found[1].lower()}>", text)
        text = SSH_KEY.sub(lambda found: f"{found[1]} <key>", text)
        return self._address.sub(lambda found: f"<net>.{int(found[1]) - self._third}.{found[2]}", text)

    def short(self, text: str) -> str:
        """The text with placeholders, or its digest where it is long or has several lines."""
        clean = self.text(text)
        if len(clean) <= LONGEST and "\n" not in clean:
            return clean
        return f"sha256:{hashlib.sha256(clean.encode()).hexdigest()[:16]}"

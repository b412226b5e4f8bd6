"""What makes an image a certain machine where no hypervisor hands in credentials: one file on the EFI partition.

Checks and renders it (pure) and puts it there; the image's own apply-settings reads it at boot.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import Field

from vm.artefact import Record
from vm.command import run
from vm.errors import BadInput, WatchpostError
from vm.image.disk import ESP_MIB, MIB

NAME = "watchpost.conf"
Fqdn = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max_length=253)]
PublicKey = Annotated[str, Field(pattern=r"^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n\r]*)?$")]
SECRETS = ("enrolment_secret", "root_password_hash")
"""Keys whose lines the machine takes out of the file once it has applied them."""


class Settings(Record):
    """Settings of one machine. dns is needed with DHCP too: nothing on the image takes it from there."""

    hostname: Fqdn
    authorized_keys: tuple[PublicKey, ...] = Field(min_length=1)
    address: Literal["dhcp"] | IPv4Interface | IPv6Interface = "dhcp"
    gateway: IPv4Address | IPv6Address | None = None
    dns: tuple[IPv4Address | IPv6Address, ...] = Field(min_length=1)
    puppet_server: Fqdn | None = None
    enrolment_secret: Annotated[str, Field(pattern=r"^[0-9A-Za-z_+/=.-]{16,}$")] | None = None
    root_password_hash: Annotated[str, Field(pattern=r"^\$[0-9A-Za-z./$]+$")] | None = None

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.address != "dhcp" and self.gateway is None:
            raise ValueError("a fixed address needs a gateway")
        if self.enrolment_secret and not self.puppet_server:
            raise ValueError("enrolment_secret is of no use without puppet_server")
        return self


def read(path: Path) -> Settings:
    """The settings of a TOML file. Raises BadInput that names what is wrong, and no secret."""
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput(f"the settings cannot be read: {error.strerror}", str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is no TOML: {error}", str(path)) from error
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][:1]) or "the settings"
        raise BadInput(f"{place}: {first['msg']}", str(path), "docs/how-to/write-the-image-to-a-rented-disk.md has an example") from error


def render(settings: Settings) -> str:
    """The file as it stands on the EFI partition (pure)."""
    rows = [("hostname", settings.hostname), *(("authorized_key", key) for key in settings.authorized_keys), ("address", str(settings.address))]
    rows += [("gateway", str(settings.gateway))] if settings.gateway else []
    rows += [("dns", str(server)) for server in settings.dns]
    rows += [(name, value) for name in ("puppet_server", *SECRETS) if (value := getattr(settings, name))]
    return "# Settings of this machine, read at boot; lines of secrets are taken out once they were applied.\n" + "".join(f"{key}={value}\n" for key, value in rows)


def is_ours(disk: Path) -> bool:
    """Whether a file or block device has our image's EFI partition where we write it."""
    with disk.open("rb") as stream:
        stream.seek(ESP_MIB[0] * MIB)
        sector = stream.read(512)
    return sector[510:] == b"\x55\xaa" and re.match(rb"ESP {8}FAT32", sector[71:90]) is not None


def write(settings: Settings, disk: Path) -> None:
    """Put settings on the EFI partition of an image or of a disk that it was written to.

    Raises BadInput when that is no disk of ours, WatchpostError when writing fails.
    """
    try:
        ours = is_ours(disk)
    except OSError as error:
        raise BadInput(f"the disk cannot be read: {error.strerror}", str(disk)) from error
    if not ours:
        raise BadInput(
            f"{disk} is no disk with a watchpost image: there is no EFI partition of ours on it", str(disk),
            "write the image first (docs/how-to/write-the-image-to-a-rented-disk.md)",
        )  # fmt: skip
    with tempfile.NamedTemporaryFile("w", prefix="watchpost-settings-") as text:
        text.write(render(settings))
        text.flush()
        try:
            run(["mcopy", "-o", "-i", f"{disk}@@{ESP_MIB[0] * MIB}", text.name, f"::{NAME}"], env={"MTOOLS_SKIP_CHECK": "1"})
        except WatchpostError as error:
            raise WatchpostError(f"the settings could not be written: {error.what}", str(disk)) from error

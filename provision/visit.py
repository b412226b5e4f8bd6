"""How a person gets to a lab's web: address, certificate, the way in from another machine."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path

from rich.console import Console
from rich.table import Table

from provision import machines, options
from provision.lab_plan import ca_path
from vm.artefact import Record
from vm.lab import Lab

FORWARDED = 8443
"""Local port of the SSH forward that is suggested."""


class Visit(Record):
    """What to open and what that needs. hosts_line: for /etc/hosts of the machine with the browser, as names of the lab resolve inside it only."""

    version: int = 1
    url: str
    address: str
    hosts_line: str
    ca: Path
    forward: tuple[str, ...]
    forwarded_url: str


def plan(lab: Lab) -> Visit:
    """The way to a lab's web. Raises BadInput without a lab."""
    options.read(lab)
    name, address = lab.fqdn("monitor"), machines.address(lab, "monitor")
    return Visit(
        url=f"https://{name}/icingaweb2/", address=address, hosts_line=f"{address} {name}", ca=ca_path(lab),
        forward=("ssh", "-N", "-L", f"{FORWARDED}:{address}:443", f"root@{os.uname().nodename}"),
        forwarded_url=f"https://{name}:{FORWARDED}/icingaweb2/",
    )  # fmt: skip


def has_screen() -> bool:
    """Whether a browser could show itself here."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show(visit: Visit, console: Console) -> None:
    """Print the way, and open a browser where one can show itself."""
    shown = Table(show_header=False, box=None, pad_edge=False)
    for name, text in (
        ("web", visit.url),
        ("name", f"add to /etc/hosts of the machine with the browser: {visit.hosts_line}"),
        ("certificate", f"of the lab's own CA; let the browser trust {visit.ca}"),
        ("users", "watchpost, then admin; `invoke status --secrets` shows passwords"),
        ("elsewhere", f"from another machine: {' '.join(visit.forward)}\nthen name 127.0.0.1 in its /etc/hosts and open {visit.forwarded_url}"),
    ):
        shown.add_row(f"[bold]{name}[/bold]", text)
    console.print(shown)
    if has_screen() and webbrowser.open(visit.url):
        console.print("a browser was told to open it")

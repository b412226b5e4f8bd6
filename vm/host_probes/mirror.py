"""The package mirror: this host's own APT sources, asked with APT's own downloader."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from vm.command import run
from vm.finding import Finding, Question

HELPER = "/usr/lib/apt/apt-helper"
OPTIONS = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"]


def release_files(text: str) -> list[str]:
    """The addresses in what `apt-get update --print-uris` prints (pure)."""
    found = [line.split("'")[1] for line in text.splitlines() if line.startswith("'")]
    return [address for address in found if address.endswith("Release")]


def probe(question: Question) -> Finding:
    """Fetch the first source's Release file."""
    if shutil.which("apt-get") is None or not Path(HELPER).exists():
        return Finding(name="mirror", level="missing", detail="this host has no APT", remedy="use Debian 12 or 13")
    printed = run(["apt-get", "update", "--print-uris", *OPTIONS], timeout_s=30, check=False)
    addresses = release_files(printed.stdout)
    if not addresses:
        return Finding(
            name="mirror",
            level="missing",
            detail="APT knows no source" + (f": {printed.stderr.strip()[-200:]}" if printed.stderr.strip() else ""),
            remedy="write the sources in /etc/apt/sources.list.d",
        )
    with tempfile.TemporaryDirectory() as folder:
        got = run([HELPER, *OPTIONS, "download-file", addresses[0], f"{folder}/Release"], timeout_s=60, check=False)
    if got.returncode != 0:
        return Finding(
            name="mirror",
            level="missing",
            detail=f"the first of {len(addresses)} sources does not answer: {got.stderr.strip()[-200:]}",
            remedy="correct /etc/apt/sources.list, or the network, and try apt-get update",
        )
    return Finding(name="mirror", level="OK", detail=f"the first of {len(addresses)} sources answers")

"""Make the page and push it: overview SETTINGS-DIRECTORY STATE-DIRECTORY."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from overview.page import page
from overview.states import Unreadable, read

NAME = "index.html"


def push(settings: dict[str, object], place: Path, page_path: Path) -> None:
    """Over SFTP, to a new name first: whoever reads meanwhile gets the old page or the new one, whole."""
    target = str(settings["path"])
    options = {
        "BatchMode": "yes", "IdentitiesOnly": "yes", "IdentityFile": place / "key", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": place / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null", "ConnectTimeout": "10", "ServerAliveInterval": "5",
    }  # fmt: skip
    argv = ["sftp", "-q", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items()), "-b", "-", f"{settings['user']}@{settings['host']}"]
    batch = f'put "{page_path}" "{target}.new"\nchmod 644 "{target}.new"\nrename "{target}.new" "{target}"\n'
    done = subprocess.run(argv, input=batch, capture_output=True, text=True, check=False, timeout=40)
    if done.returncode != 0:
        sys.exit(f"the page could not be pushed to {settings['host']}: {done.stderr.strip()[-500:] or done.returncode}")


def main() -> None:
    place, state = Path(sys.argv[1]), Path(sys.argv[2])
    settings = json.loads((place / "settings.json").read_text(encoding="utf-8"))
    try:
        hosts, services = read()
    except Unreadable as error:
        sys.exit(str(error))
    fresh = state / f"{NAME}.new"
    fresh.write_text(page(settings["site"], hosts, services, time.time(), settings["every_s"]), encoding="utf-8")
    os.replace(fresh, state / NAME)
    push(settings, place, state / NAME)


if __name__ == "__main__":
    main()

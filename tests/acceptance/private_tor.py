"""A Tor network of the lab's own: Debian's tor, as the monitor's image has it, at work in the fleet's network, which has no way out.

Three directory authorities, which relay too, three relays more, and one onion service before a web server that has one page. Short voting intervals are those of a
testing network (tor(1), TestingTorNetwork).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.acceptance.conftest import LiveLab
from vm import processes
from vm.command import run
from vm.drivers import container, machine_directory
from vm.wait import wait_until

AUTHORITIES, RELAYS = ("auth0", "auth1", "auth2"), ("relay0", "relay1", "relay2")
OR_PORT, DIR_PORT, PAGE_PORT = 7000, 7100, 7200
PAGE = "behind an onion"
PLACE = "/mnt"
"""Where the network's files are for its processes: the image is read-only."""
VOTING = """AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 20
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
"""


class PrivateTor:
    """The network; onion is the service's address, client what a client's configuration needs."""

    def __init__(self, lab: LiveLab, folder: Path) -> None:
        self._folder = folder
        self._address = str(lab.lab.address("fleet"))
        tree = json.loads((machine_directory(lab.lab, "monitor") / "start.json").read_text())["image"]
        self._prefix = [
            "nsenter", f"--net={container.network_namespace(lab.lab, 'fleet')}", "--", "bwrap", "--die-with-parent", "--ro-bind", tree, "/",
            "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", str(folder), PLACE,
        ]  # fmt: skip
        for name in (*AUTHORITIES, *RELAYS, "service"):
            (folder / name / "keys").mkdir(parents=True, mode=0o700)
            (folder / name).chmod(0o700)
        lines = [self._authority(number, name) for number, name in enumerate(AUTHORITIES)]
        self.client = "TestingTorNetwork 1\n" + "".join(lines)

    @property
    def onion(self) -> str:
        """The onion service's address."""
        return (self._folder / "service/onion/hostname").read_text().strip()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The network at work."""
        settings = {name: self._relay(number, name) + (f"DirPort {self._address}:{DIR_PORT + number}\n{VOTING}" if name in AUTHORITIES else "") for number, name in enumerate((*AUTHORITIES, *RELAYS))}
        settings["service"] = f"SocksPort 0\nHiddenServiceDir {PLACE}/service/onion\nHiddenServicePort 80 127.0.0.1:{PAGE_PORT}\n"
        with ExitStack() as ending:
            (self._folder / "page").mkdir()
            (self._folder / "page/index.html").write_text(f"<p>{PAGE}</p>\n")
            server = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", f"{PLACE}/page", str(PAGE_PORT)]
            ending.callback(end, subprocess.Popen([*self._prefix, *server], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            for name, text in settings.items():
                ending.callback(end, self._start(name, text))
            wait_until(lambda: (self._folder / "service/onion/hostname").exists(), reason="the onion service's address", deadline_s=30)
            yield

    def _start(self, name: str, text: str) -> subprocess.Popen[bytes]:
        common = f"DataDirectory {PLACE}/{name}\nRunAsDaemon 0\nLog notice stdout\nShutdownWaitLength 0\n"
        (self._folder / name / "torrc").write_text(self.client + common + text)
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([*self._prefix, "tor", "-f", f"{PLACE}/{name}/torrc"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def _relay(self, number: int, name: str) -> str:
        return f"Nickname {name}\nAddress {self._address}\nORPort {self._address}:{OR_PORT + number}\nSocksPort 0\nExitRelay 0\nAssumeReachable 1\nContactInfo nobody@lab.test\n"

    def _authority(self, number: int, name: str) -> str:
        """Keys of an authority; the line by which others know it."""
        keys = f"{PLACE}/{name}/keys"
        made = ["tor-gencert", "--create-identity-key", "-i", f"{keys}/authority_identity_key", "-s", f"{keys}/authority_signing_key", "-c", f"{keys}/authority_certificate"]
        run([*self._prefix, *made, "-m", "12", "-a", f"{self._address}:{DIR_PORT + number}", "--passphrase-fd", "0"], input="of a test\n")
        identity = re.search(r"^fingerprint ([0-9A-F]{40})$", (self._folder / name / "keys/authority_certificate").read_text(), re.M)
        listing = ["tor", "--ignore-missing-torrc", "-f", "/dev/null", "--list-fingerprint", "--orport", "1", "--dirserver", f"x 127.0.0.1:1 {'f' * 40}"]
        told = run([*self._prefix, *listing, "--nickname", name, "--datadirectory", f"{PLACE}/{name}"]).stdout
        relay = re.search(rf"^{name} ((?:[0-9A-F]{{4}} ?){{10}})$", told, re.M)
        assert identity and relay, told
        return f"DirAuthority {name} orport={OR_PORT + number} v3ident={identity[1]} {self._address}:{DIR_PORT + number} {relay[1].replace(' ', '')}\n"


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of the network."""
    process.terminate()
    processes.reap(process)

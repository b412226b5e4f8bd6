"""The VM's serial console through libvirt: the out-of-band way in, for people (virsh) and for tests (this class)."""

from __future__ import annotations

import re
import threading
from types import TracebackType

import libvirt

from vm.drivers.libvirt import domain_name
from vm.errors import WatchpostError
from vm.lab import Lab
from vm.wait import wait_until


class Console:
    """A conversation with a serial console: say something, wait for a pattern. Used as a context manager."""

    def __init__(self, lab: Lab, kind: str) -> None:
        self.hypervisor = libvirt.open("qemu:///system")
        domain = self.hypervisor.lookupByName(domain_name(lab, kind))
        self.stream = self.hypervisor.newStream(0)
        domain.openConsole(None, self.stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
        self.seen = bytearray()
        self.kind = kind
        threading.Thread(target=self._read, name="console", daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                data = self.stream.recv(4096)
            except libvirt.libvirtError:
                return
            if not data:
                return
            self.seen += data

    def say(self, line: str) -> None:
        """Type a line; what was seen so far is forgotten first."""
        self.press(f"{line}\r")

    def press(self, keys: str) -> None:
        """Type keys without the one that ends a line; what was seen so far is forgotten first."""
        self.seen.clear()
        self.stream.send(keys.encode())

    def expect(self, pattern: str, *, deadline_s: float) -> str:
        """Wait until the console shows a regular expression; returns all that was seen.

        Raises WatchpostError with the last lines when it does not appear in time.
        """

        def probe() -> str | None:
            text = bytes(self.seen).decode(errors="replace")
            return text if re.search(pattern, text) else None

        try:
            return wait_until(probe, reason=f"{pattern!r} on the console of {self.kind}", deadline_s=deadline_s)
        except WatchpostError as error:
            tail = bytes(self.seen[-400:]).decode(errors="replace")
            raise WatchpostError(error.what, f"the console's last words: {tail!r}") from error

    def login(self, password: str, *, deadline_s: float = 120) -> None:
        """Log in as root."""
        self.say("")
        self.expect(r"login: ?$", deadline_s=deadline_s)
        self.say("root")
        self.expect(r"Password: ?$", deadline_s=deadline_s)
        self.say(password)
        self.expect(r"# ?$|# \x1b", deadline_s=deadline_s)

    def command(self, line: str, *, deadline_s: float = 60) -> str:
        """Run a shell line at the prompt and return what it printed; for tests with fixed lines."""
        self.say(f"{line}; echo END:$?:END")
        text = self.expect(r"END:\d+:END", deadline_s=deadline_s)
        return text

    def close(self) -> None:
        """Leave the console."""
        try:
            self.stream.abort()
        except libvirt.libvirtError:
            pass
        self.hypervisor.close()

    def __enter__(self) -> Console:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

"""A machine of the lab (or a rented one) over SSH: commands as lists, files whole. The only user of Fabric."""

from __future__ import annotations

import base64
import logging
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import fabric
import paramiko

from vm.command import LOG, Result
from vm.errors import WatchpostError
from vm.wait import wait_until

logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Machine:
    """Root on one machine, whose host key has to be known."""

    def __init__(self, name: str, address: str, connection: fabric.Connection) -> None:
        self.name = name
        self.address = address
        self.connection = connection
        self.connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())

    @classmethod
    def of_lab(cls, name: str, address: str, key: Path, host_key: str) -> Machine:
        """A machine of the lab: its host key is the one given; SSH agents and user configuration are not consulted."""
        connection = fabric.Connection(
            address,
            user="root",
            config=fabric.Config(overrides={"load_ssh_configs": False}),
            connect_timeout=10,
            connect_kwargs={"key_filename": str(key), "allow_agent": False, "look_for_keys": False},
        )
        kind, encoded = host_key.split()[:2]
        connection.client.get_host_keys().add(address, kind, paramiko.Ed25519Key(data=base64.b64decode(encoded)))
        return cls(name, address, connection)

    @classmethod
    def of_operator(cls, name: str, address: str, user: str, port: int) -> Machine:
        """A machine that the operator's own SSH knows: keys, agent, ~/.ssh/config and known_hosts are those of who runs this."""
        connection = fabric.Connection(address, user=user, port=port, connect_timeout=10)
        connection.client.load_system_host_keys()
        return cls(name, address, connection)

    def wait(self, deadline_s: float) -> None:
        """Until SSH answers. Raises WatchpostError naming the machine."""

        def probe() -> bool:
            try:
                self.connection.open()
            except (OSError, EOFError, paramiko.SSHException):
                self.connection.close()
                return False
            return True

        wait_until(
            probe, reason=f"SSH on {self.name} ({self.address})", deadline_s=deadline_s, interval_s=0.3,
            todo="`invoke console` shows what the machine says",
        )  # fmt: skip

    def run(
        self, argv: Sequence[str | Path], *, input: str | bytes = b"", timeout_s: float = 600, check: bool = True
    ) -> Result:
        """Run a command there; words are quoted here and nowhere else; input becomes its standard input.

        Raises WatchpostError when the machine cannot be reached, time runs out, or (with check) the command fails.
        """
        words = tuple(str(word) for word in argv)
        line = shlex.join(words)
        LOG.debug("%s: run %s", self.name, line)
        try:
            self.connection.open()
            transport = self.connection.client.get_transport()
            assert transport is not None  # open() has made one
            transport.set_keepalive(15)
            channel = transport.open_session(timeout=30)
            channel.exec_command(line)
            channel.sendall(input.encode() if isinstance(input, str) else input)
            channel.shutdown_write()
            out, err = _drain(channel, time.monotonic() + timeout_s)
            code = channel.recv_exit_status() if out is not None else None
            channel.close()
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.connection.close()
            raise WatchpostError(f"{self.name} cannot be reached: {error}", f"ssh root@{self.address}") from error
        if out is None or code is None:
            raise WatchpostError(f"{words[0]} on {self.name} did not end within {timeout_s:.0f} s", line)
        result = Result(words, code, out.decode(errors="replace"), err.decode(errors="replace"))
        LOG.debug("%s: exit %d\n%s%s", self.name, code, result.stdout[-20000:], result.stderr[-20000:])
        if check and code != 0:
            tail = " / ".join((result.stderr or result.stdout).strip().splitlines()[-3:])
            raise WatchpostError(f"{words[0]} on {self.name} failed with exit code {code}: {tail}", line)
        return result

    def write(self, path: str, data: str | bytes, *, mode: str = "0644", owner: str = "root:root") -> None:
        """Put a file there, whole or not at all; its content goes through standard input, never a command line."""
        temporary = f"{path}.watchpost-new"
        self.run(["install", "-D", "-m", "0600", "/dev/stdin", temporary], input=data)
        self.run(["chown", owner, temporary])
        self.run(["chmod", mode, temporary])
        self.run(["mv", "-f", temporary, path])

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _drain(channel: paramiko.Channel, end: float) -> tuple[bytes | None, bytes]:
    """Both outputs of a command until it ends; None for the first when time ran out."""
    out, err = bytearray(), bytearray()
    while True:
        idle = True
        while channel.recv_ready():
            out += channel.recv(65536)
            idle = False
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(65536)
            idle = False
        if idle and channel.exit_status_ready() and channel.eof_received:
            return bytes(out), bytes(err)
        if time.monotonic() > end:
            return None, bytes(err)
        if idle:
            time.sleep(0.02)

"""A connected socket to a port on a machine's loopback, carried by SSH: what answers there only needs no other door.

A real socket (one end of a pair, pumped into an SSH channel), so that TLS can be spoken through it.
"""

from __future__ import annotations

import socket
import threading

import paramiko

from provision.ssh import Machine

CHUNK = 65536


def dial(machine: Machine, port: int) -> socket.socket:
    """Connect to 127.0.0.1:port on the machine. Raises ConnectionError when SSH or the port refuse."""
    try:
        machine.connection.open()
        transport = machine.connection.client.get_transport()
        channel = transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=30)
    except (EOFError, paramiko.SSHException) as error:
        raise ConnectionError(f"port {port} on {machine.name} through SSH: {error}") from error
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    for pump in (_to_machine, _from_machine):
        threading.Thread(target=pump, args=(theirs, channel), daemon=True, name=f"tunnel-{port}").start()
    return ours


def _to_machine(near: socket.socket, channel: paramiko.Channel) -> None:
    try:
        while data := near.recv(CHUNK):
            channel.sendall(data)
    except OSError:
        pass
    near.close()
    try:
        channel.close()
    except (OSError, EOFError, paramiko.SSHException):
        pass  # the machine went first


def _from_machine(near: socket.socket, channel: paramiko.Channel) -> None:
    try:
        while data := channel.recv(CHUNK):
            near.sendall(data)
        near.shutdown(socket.SHUT_RDWR)  # wakes the other pump, which closes
    except OSError:
        pass

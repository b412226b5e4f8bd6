"""The notifier at work: takes events from its socket, keeps them, and hands mails to the mail server of this machine."""

from __future__ import annotations

import os
import smtplib
import socket
import sqlite3
import sys
import threading
import time
from pathlib import Path

from notifier.event import Malformed, parse
from notifier.letters import Site
from notifier.limits import Limits
from notifier.store import Store

LONGEST = 256 * 1024
TICK_S = 1.0
TIMEOUT_S = 30.0
STRICT = Limits(window_s=60, per_host=1, per_person=1, digest_s=900)
"""Where nothing can be kept: a mail a minute, and digests. Never unlimited, never silent."""


class Notifier:
    """Receives in the caller's thread and sends in one of its own."""

    def __init__(self, state: Path, addresses: dict[str, str], site: Site, limits: Limits, server: tuple[str, int]) -> None:
        self._state, self._addresses, self._site, self._limits, self._server = state, addresses, site, limits, server
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._store = self._open()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def serve(self, events: socket.socket) -> None:
        """Until stop() and one more datagram, or for ever."""
        self._sender.start()
        while not self._ending.is_set():
            self._receive(events.recv(LONGEST))
        self._sender.join()
        self._store.close()

    def stop(self) -> None:
        """End after what is under way."""
        self._ending.set()

    def _receive(self, datagram: bytes) -> None:
        try:
            event = parse(datagram)
        except Malformed as why:
            say(f"a notification of {len(datagram)} bytes is refused: {why}")
            return
        with self._lock:
            try:
                found = self._store.accept(event, time.time())
            except sqlite3.Error as error:
                self._fall_back(error)
                found = self._store.accept(event, time.time())
        if found == "nobody":
            say(f"{event.what}: there is no person {event.person}, so that nobody was told")

    def _send(self) -> None:
        while not self._ending.wait(TICK_S):
            try:
                self._tick()
            except sqlite3.Error as error:
                with self._lock:
                    self._fall_back(error)

    def _tick(self) -> None:
        with self._lock:
            for person in self._store.write_digests(time.time()):
                say(f"{person} gets a digest")
            self._store.forget(time.time())
            store, mails = self._store, self._store.due(time.time())
        for number, address, mail in mails:  # the lock is not held while the mail server takes its time
            try:
                hand_over(self._server, self._site.sender, address, mail)
            except OSError as error:  # smtplib's errors are some too
                with self._lock:
                    wait_s = store.again(number, time.time())
                say(f"a mail to {address} waits {wait_s:.0f} s: {type(error).__name__}")
                continue
            with self._lock:
                store.done(number)

    def _open(self) -> Store:
        """The store on disk; a broken one is put aside; where there can be none, one in memory with strict limits."""
        try:
            try:
                return Store(self._state, self._addresses, self._site, self._limits)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                aside = self._state.with_suffix(f".broken-{time.time():.0f}")
                say(f"{self._state} is no database: it is put aside as {aside.name}")
                self._state.rename(aside)
                return Store(self._state, self._addresses, self._site, self._limits)
        except (sqlite3.Error, OSError) as error:
            say(f"nothing can be kept in {self._state} ({error}): at most a mail a minute until the next start")
            return Store(":memory:", self._addresses, self._site, STRICT)

    def _fall_back(self, error: sqlite3.Error) -> None:
        say(f"nothing can be kept any more ({error}): at most a mail a minute until the next start")
        self._store = Store(":memory:", self._addresses, self._site, STRICT)


def hand_over(server: tuple[str, int], sender: str, address: str, mail: bytes) -> None:
    """Give a mail to the mail server. Raises OSError (smtplib's errors are some) when it does not take it."""
    with smtplib.SMTP(*server, timeout=TIMEOUT_S) as connection:
        connection.sendmail(sender, [address], mail)


def inherited() -> socket.socket:
    """The socket that systemd made (sd_listen_fds(3)); events wait in it while this program starts anew. Raises OSError where there is none."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        raise OSError("no socket was handed over: this program is started by watchpost-notifier.socket")
    return socket.socket(fileno=3)


def say(text: str) -> None:
    """One line for the journal."""
    print(text, file=sys.stderr, flush=True)

"""What is still to be sent, what is held, and what was sent: one SQLite file, so that a restart loses and repeats nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from notifier.event import Event
from notifier.letters import Site, digest, letter
from notifier.limits import Held, Limits, Sent, decide, digest_due

SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (person TEXT, host TEXT, family TEXT, at REAL);
CREATE INDEX IF NOT EXISTS sent_to ON sent (person, family, at);
CREATE TABLE IF NOT EXISTS held (person TEXT, host TEXT, service TEXT, count INTEGER, first_at REAL, last_at REAL, kind TEXT, state TEXT,
  output TEXT, urgent INTEGER, PRIMARY KEY (person, host, service));
CREATE TABLE IF NOT EXISTS digests (person TEXT, at REAL, early INTEGER);
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, person TEXT, mail BLOB, tries INTEGER DEFAULT 0, next_at REAL DEFAULT 0);
"""
HELD = ("host", "service", "count", "first_at", "last_at", "kind", "state", "output", "urgent")
RETRY_S = (10, 30, 60, 300)
"""Waits between tries to hand over a mail; the last one for ever."""


class Store:
    """One process' own; not for two threads at once. addresses: of every person there is."""

    def __init__(self, path: Path | str, addresses: dict[str, str], site: Site, limits: Limits) -> None:
        self.addresses, self.site, self.limits = addresses, site, limits
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)

    def accept(self, event: Event, now: float) -> str:
        """Decide on an event and keep what follows: a mail in the outbox, or one more that is held. A person that there is not is nobody's."""
        address = self.addresses.get(event.person)
        if address is None:
            return "nobody"
        with self._transaction():
            found = decide(event, self._sent(event, now), self._waiting(event), self.limits, now)
            if found == "send":
                self._database.execute("INSERT INTO sent VALUES (?, ?, ?, ?)", (event.person, event.host, event.family, now))
                last = self._of_host(event, now) >= self.limits.per_host
                self._post(event.person, letter(event, address, self.site, last=last, limits=self.limits).as_bytes())
            else:
                self._hold(event, urgent=found == "hold, urgent", now=now)
        return found

    def write_digests(self, now: float) -> list[str]:
        """Put the digests that are due into the outbox; the people who get one."""
        made = []
        for person, address in self.addresses.items():
            held = self.held(person)
            past = self._database.execute("SELECT at, early FROM digests WHERE person = ?", (person,)).fetchall()
            due = digest_due(held, [at for at, early in past if not early], [at for at, early in past if early], self.limits, now)
            if not due:
                continue
            with self._transaction():
                self._post(person, digest(held, address, self.site, now).as_bytes())
                self._database.execute("DELETE FROM held WHERE person = ?", (person,))
                self._database.execute("INSERT INTO digests VALUES (?, ?, ?)", (person, now, due == "early"))
            made.append(person)
        return made

    def due(self, now: float) -> list[tuple[int, str, bytes]]:
        """Number, address and bytes of mails to be handed over now, oldest first."""
        rows = self._database.execute("SELECT id, person, mail FROM outbox WHERE next_at <= ? ORDER BY id LIMIT 50", (now,)).fetchall()
        return [(number, self.addresses.get(person, ""), mail) for number, person, mail in rows]

    def done(self, number: int) -> None:
        """A mail was taken by the mail server."""
        self._database.execute("DELETE FROM outbox WHERE id = ?", (number,))

    def again(self, number: int, now: float) -> float:
        """It was not: seconds until it is tried again."""
        (tries,) = self._database.execute("SELECT tries FROM outbox WHERE id = ?", (number,)).fetchone()
        wait_s = RETRY_S[min(tries, len(RETRY_S) - 1)]
        self._database.execute("UPDATE outbox SET tries = tries + 1, next_at = ? WHERE id = ?", (now + wait_s, number))
        return wait_s

    def forget(self, now: float) -> None:
        """Remove what no limit looks at any more."""
        self._database.execute("DELETE FROM sent WHERE at <= ?", (now - self.limits.window_s,))
        self._database.execute("DELETE FROM digests WHERE at <= ?", (now - self.limits.window_s - self.limits.digest_s,))

    def held(self, person: str) -> list[Held]:
        """What a digest would tell this person."""
        rows = self._database.execute(f"SELECT {', '.join(HELD)} FROM held WHERE person = ?", (person,)).fetchall()
        return [Held(**dict(zip(HELD, row, strict=True))) for row in rows]

    def waiting(self) -> int:
        """How many mails are still to be handed over."""
        return int(self._database.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def close(self) -> None:
        """End it."""
        self._database.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)

    def _sent(self, event: Event, now: float) -> list[Sent]:
        rows = self._database.execute(
            "SELECT at, host, family FROM sent WHERE person = ? AND family = ? AND at > ?", (event.person, event.family, now - self.limits.window_s)
        )
        return [Sent(*row) for row in rows]

    def _of_host(self, event: Event, now: float) -> int:
        return sum(one.host == event.host for one in self._sent(event, now))

    def _waiting(self, event: Event) -> bool:
        found = self._database.execute("SELECT 1 FROM held WHERE person = ? AND host = ? AND service = ?", (event.person, event.host, event.service))
        return found.fetchone() is not None

    def _hold(self, event: Event, *, urgent: bool, now: float) -> None:
        self._database.execute(
            "INSERT INTO held VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + 1, last_at = excluded.last_at, "
            "kind = excluded.kind, state = excluded.state, output = excluded.output",
            (event.person, event.host, event.service, now, now, event.kind, event.state, event.output[:500], urgent),
        )

    def _post(self, person: str, mail: bytes) -> None:
        self._database.execute("INSERT INTO outbox (person, mail) VALUES (?, ?)", (person, mail))


class _Transaction:
    """All or nothing."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def __enter__(self) -> None:
        self.database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.database.execute("COMMIT" if kind is None else "ROLLBACK")

"""Certificates for simulated hosts through the real request path, one key each; also for other names of the lab.

May run again: what is valid is kept, and requests that stand in the way of our names are removed. Signing is the CA's
decision, by the secret in the request; nothing here signs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

from provision.protocol import keys, puppet
from provision.protocol.puppet import Requested
from provision.transport import Client, Server
from vm.artefact import Record, write_file
from vm.errors import WatchpostError

REQUESTS = PurePosixPath("/etc/puppet/puppetserver/ca/requests")
WORKERS = 4

OnPuppet = Callable[[Sequence[str]], object]
"""Runs a command as root on the machine `puppet`, raising WatchpostError when it fails."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Identity(Record):
    """Files of one certname, 0600."""

    certname: str
    key: Path
    certificate: Path
    catalog: Path


class Enrolment(Record):
    """How a certname came by its certificate. recovered: something in our name stood in the way and was removed."""

    version: int = 1
    certname: str
    outcome: Literal["kept", "new", "recovered"]
    note: str = ""
    seconds: float


def identity(directory: Path, certname: str) -> Identity:
    """Where the files of a certname are."""
    place = directory / certname
    return Identity(
        certname=certname, key=place / "key.pem", certificate=place / "certificate.pem", catalog=place / "catalog.json"
    )


def enrol(server: Server, certname: str, secret: str, directory: Path, on_puppet: OnPuppet) -> Enrolment:
    """Make or keep the key and certificate of a certname.

    Raises WatchpostError when the CA does not sign, which leaves no request behind.
    """
    began = time.monotonic()
    mine = identity(directory, certname)
    authorities = server.ca.read_bytes()
    key = _kept_key(mine.key)
    kept = mine.certificate.read_bytes() if key and mine.certificate.exists() else b""
    if key and kept and not keys.refusal(kept, certname, key, authorities):
        return Enrolment(certname=certname, outcome="kept", seconds=round(time.monotonic() - began, 3))
    if not key:
        key = keys.new_key()
        write_file(mine.key, key)
    with server.client() as client:
        note = _hand_in(client, certname, key, secret, authorities, on_puppet)
        certificate = puppet.read_pem(certname, client.send_fresh(puppet.get_certificate(certname)))
    if certificate is None:
        on_puppet(forget_request(certname))
        raise WatchpostError(
            f"the Puppet CA did not sign the certificate request of {certname}", server.name,
            f"compare /etc/puppet/lab/enrolment/{certname} there with the lab's secret; "
            "the policy's reason is in /var/log/puppetserver/puppetserver.log",
        )  # fmt: skip
    reason = keys.refusal(certificate, certname, key, authorities)
    if reason:
        raise WatchpostError(f"the Puppet CA's certificate for {certname} is of no use: {reason}", server.name)
    write_file(mine.certificate, certificate)
    outcome: Literal["new", "recovered"] = "recovered" if note else "new"
    return Enrolment(certname=certname, outcome=outcome, note=note, seconds=round(time.monotonic() - began, 3))


def enrol_all(
    server: Server, secrets: Mapping[str, str], directory: Path, on_puppet: OnPuppet, workers: int = WORKERS
) -> tuple[Enrolment, ...]:
    """Enrol several certnames, a few at a time; the first failure ends the rest."""
    lock = threading.Lock()

    def one_by_one(argv: Sequence[str]) -> object:
        with lock:
            return on_puppet(argv)

    return in_parallel(
        lambda item: enrol(server, item[0], item[1], directory, one_by_one), list(secrets.items()), workers
    )


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item], workers: int = WORKERS) -> tuple[Result, ...]:
    """work(item) for all items in threads, results in the items' order; the first failure ends what has not begun."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return tuple(future.result() for future in futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def forget_request(certname: str) -> list[str]:
    """Command on the machine `puppet` that removes a waiting request: the CA keeps them as files."""
    return ["rm", "-f", "--", str(REQUESTS / f"{certname}.pem")]


def forget_certificates(certnames: Sequence[str]) -> list[str]:
    """Command on the machine `puppet` that revokes certificates and frees their names."""
    return ["/usr/local/sbin/watchpost-forget-certificates", *certnames]


def _kept_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
        keys.public_bytes(key)
    except (FileNotFoundError, ValueError):
        return b""
    return key


def _hand_in(client: Client, certname: str, key: bytes, secret: str, authorities: bytes, on_puppet: OnPuppet) -> str:
    """Hand in a request; what stood in the way, empty when nothing did."""
    request = puppet.put_request(certname, keys.certificate_request(certname, key, secret))
    said = puppet.read_requested(certname, client.send(request))
    if said is Requested.TAKEN:
        return ""
    if said is Requested.PENDING:
        waiting = puppet.read_pem(certname, client.send_fresh(puppet.get_request(certname))) or b""
        ours = keys.requested_by(waiting, key)
        note = "an unsigned request of ours" if ours else "a request with another key and a wrong secret"
        on_puppet(forget_request(certname))
    else:
        signed = puppet.read_pem(certname, client.send_fresh(puppet.get_certificate(certname))) or b""
        if not keys.refusal(signed, certname, key, authorities):
            return ""  # signed for this key in an earlier run that was cut short
        note = "a certificate of another key, now revoked"
        on_puppet(forget_certificates([certname]))
    said = puppet.read_requested(certname, client.send_fresh(request))
    if said is not Requested.TAKEN:
        raise WatchpostError(f"{certname}: the name is taken again at once: {said.value}", client.name)
    return note

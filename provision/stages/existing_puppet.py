"""A Puppet server that is there already, run by the operator: what it has to be told, and certificates that it signs.

Nothing here logs in to that server or changes it. The lab gives its names, code and data in a bundle; the operator puts it there.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509

from provision import deployment, puppet_server, pushing
from provision.enrolment import Identity, identity
from provision.lab_plan import CONTROL_REPO
from provision.protocol import keys, puppet
from provision.protocol.puppet import Requested
from provision.ssh import Machine
from provision.stages import Work, monitor
from provision.transport import Server
from vm.artefact import write_file
from vm.errors import BadInput, WatchpostError

PORT = 8140
ENROL = "/usr/local/lib/watchpost/enrol-certificate"
ENROL_SOURCE = CONTROL_REPO / "site/profile/files/monitor/enrol-certificate"
ICINGA_CERTS = "/var/lib/icinga2/certs"
NAMES = ("monitor", "icinga", "harness")
"""Who needs a certificate of the server's CA: the node, Icinga's endpoint on it, the harness that asks Icinga's API."""


def server(name: str, ca: Path) -> Server:
    """The server of a name. Raises BadInput when this host cannot resolve it."""
    try:
        found = socket.getaddrinfo(name, PORT, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise BadInput(
            f"the Puppet server {name} has no IPv4 address: {error.strerror}", "--puppet-server",
            "give the name that stands in its certificate, and let this machine resolve it (DNS or /etc/hosts)",
        ) from error  # fmt: skip
    return Server(name, str(IPv4Address(found[0][4][0])), PORT, ca)


def trust(path: str, target: Path) -> None:
    """Keep the certificates of the operator's CA with the lab. Raises BadInput for a file that holds none."""
    try:
        data = Path(path).read_bytes()
        found = x509.load_pem_x509_certificates(data)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"the CA of the Puppet server cannot be read: {error}", f"--puppet-ca {path}",
            "copy /etc/puppet/puppetserver/ca/ca_crt.pem from that server, and give the copy's name",
        ) from error  # fmt: skip
    assert found  # the loader raises where there is none
    write_file(target, data, 0o644)


def bundle_path(work: Work) -> Path:
    """Where the files for the operator's server lie."""
    return work.lab.directory / "for-puppet-server"


def write_bundle(work: Work) -> None:
    """What the server needs: the control repository as an environment, and this lab's data with the monitor's secrets."""
    lab = work.lab
    wanted = {"lab.yaml", f"nodes/{lab.fqdn('monitor')}.yaml", *(f"enrolment/{lab.fqdn(name)}" for name in NAMES)}
    data = {name: text for name, text in work.plan.files.items() if name in wanted}
    write_file(bundle_path(work) / "environment.tar", deployment.code_archive(CONTROL_REPO))
    write_file(bundle_path(work) / "lab.tar", deployment.data_archive(data, 0))
    bundle_path(work).chmod(0o700)


def enrol(work: Work) -> None:
    """Certificates for the monitor, its endpoint and the harness.

    Raises WatchpostError naming those that wait to be signed, with the fingerprints of their requests.
    """
    lab, plan = work.lab, work.plan

    def ask() -> str:
        machine = work.connect("monitor")
        waiting = {
            lab.fqdn("monitor"): _monitor(work, machine),
            lab.fqdn("icinga"): _endpoint(work, machine),
            lab.fqdn("harness"): _harness(work),
        }
        machine.close()
        unsigned = {name: fingerprint for name, fingerprint in waiting.items() if fingerprint}
        if unsigned:
            shown = "; ".join(f"{name} (request's SHA256 {fingerprint})" for name, fingerprint in unsigned.items())
            raise WatchpostError(
                f"{len(unsigned)} certificate requests wait on {plan.server.name}: {shown}", plan.server.name,
                f"compare with `puppetserver ca list` there, run `puppetserver ca sign --certname {','.join(unsigned)}`, "
                "then the same command again",
            )  # fmt: skip
        return f"{len(waiting)} signed"

    work.ledger.step("certificates", [plan.server.name, plan.ca.read_text(), work.ledger.done.get("start monitor")], ask)


def _monitor(work: Work, machine: Machine) -> str:
    """The node's own certificate: the request's fingerprint while it waits, empty once it is there."""
    name, ssl = work.lab.fqdn("monitor"), puppet_server.SSL
    machine.run(["install", "-d", "-o", "puppet", "-g", "puppet", "-m", "0771", ssl, f"{ssl}/certs"])
    secret = work.secrets.get(deployment.enrolment_secret(name))
    machine.write("/etc/puppet/csr_attributes.yaml", deployment.csr_attributes(secret), mode="0600")
    machine.write(f"{ssl}/certs/ca.pem", work.plan.ca.read_bytes())  # so that the agent trusts nobody at first sight
    done = machine.run(
        ["puppet", "ssl", "bootstrap", f"--server={work.plan.server.name}", f"--certname={name}", "--waitforcert=0",
         "--color=false"], check=False,
    )  # fmt: skip
    if machine.run(["test", "-s", f"{ssl}/certs/{name}.pem"], check=False).returncode == 0:
        return ""
    request = machine.run(["cat", f"{ssl}/certificate_requests/{name}.pem"], check=False)
    if request.returncode:
        said = " / ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
        raise WatchpostError(f"the monitor could not ask {work.plan.server.name} for a certificate: {said}", "monitor")
    return keys.request_fingerprint(request.stdout.encode())


def _endpoint(work: Work, machine: Machine) -> str:
    """The certificate of Icinga's endpoint, by the script that Puppet leaves there too."""
    name = work.lab.fqdn("icinga")
    secret = work.secrets.get(deployment.enrolment_secret(name))
    machine.run(["install", "-d", "-g", "nagios", "-m", "0750", ICINGA_CERTS])
    machine.write(ENROL, ENROL_SOURCE.read_bytes(), mode="0755")
    machine.write(f"{ICINGA_CERTS}/ca.crt", work.plan.ca.read_bytes(), mode="0640", owner="root:nagios")
    machine.write(f"{ICINGA_CERTS}/enrolment", secret, mode="0600")
    done = machine.run([ENROL, name, work.plan.server.name, f"{ICINGA_CERTS}/enrolment", ICINGA_CERTS], check=False)
    if done.returncode == 0:
        return ""
    key = machine.run(["openssl", "pkey", "-in", f"{ICINGA_CERTS}/{name}.key", "-pubout"]).stdout.encode()
    waiting = _waiting(work, name, key)
    if not waiting:
        raise WatchpostError(f"no certificate for {name}: {done.stderr.strip()[-400:]}", work.plan.server.name)
    return waiting


def _harness(work: Work) -> str:
    """The certificate of the harness's own client."""
    name = work.lab.fqdn("harness")
    mine: Identity = identity(work.plan.nodes, name)
    if not mine.key.exists():
        write_file(mine.key, keys.new_key())
    key, authorities = mine.key.read_bytes(), work.plan.ca.read_bytes()
    with work.plan.server.client() as client:
        certificate = puppet.read_pem(name, client.send(puppet.get_certificate(name)))
        if certificate is None:
            secret = work.secrets.get(deployment.enrolment_secret(name))
            said = puppet.read_requested(name, client.send_fresh(puppet.put_request(name, keys.certificate_request(name, key, secret))))
            certificate = puppet.read_pem(name, client.send_fresh(puppet.get_certificate(name))) if said is not Requested.PENDING else None
    if certificate is None:
        return _waiting(work, name, keys.public_bytes(key))
    reason = keys.refusal(certificate, name, key, authorities)
    if reason:
        raise WatchpostError(
            f"the certificate of {name} is of no use: {reason}", work.plan.server.name,
            f"run there: puppetserver ca clean --certname {name}",
        )  # fmt: skip
    write_file(mine.certificate, certificate)
    return ""


def _waiting(work: Work, name: str, public_key: bytes) -> str:
    """Fingerprint of the request that waits under a name, if it is for this public key (PEM); empty without one."""
    with work.plan.server.client() as client:
        request = puppet.read_pem(name, client.send(puppet.get_request(name)))
    if request is None:
        return ""
    if not keys.requested_for(request, public_key):
        raise WatchpostError(
            f"a request with another key waits under our name {name}", work.plan.server.name,
            f"somebody else took the name; run there: puppetserver ca clean --certname {name}",
        )  # fmt: skip
    return keys.request_fingerprint(request)


def ready(work: Work) -> None:
    """Until Icinga answers with live states and the web lets its user in. What is bad is told and no fault of the monitor: it shows the operator's own hosts."""
    plan, lab = work.plan, work.lab

    def wait() -> str:
        states, web = pushing.wait_live(lab, plan.nodes, plan.ca, 0), monitor.web_answers(work)
        found = pushing.look(pushing.access(lab, plan.nodes, plan.ca))
        return f"{states}; {web}" + (f"; not good:{pushing.in_words(found)}" if found else "")

    work.ledger.step(
        "ready", [work.ledger.done.get("monitor")], wait, live=lambda: pushing.is_live(lab, plan.nodes, plan.ca, 0) and monitor.web_lives(work)
    )

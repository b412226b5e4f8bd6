"""Enrolment and agent runs against a Puppet server of our own on loopback; what the real one does, acceptance tests see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from puppet_server_fake import NAME, FakePuppet, serve

from provision import agents
from provision.enrolment import enrol, enrol_all, forget_certificates, forget_request, identity, in_parallel
from provision.protocol import keys
from provision.transport import Server
from vm.errors import BadInput, WatchpostError

HOST = "rsync-001.lab.test"
SECRET = "secret-of-rsync-001"


@pytest.fixture
def fake(tmp_path: Path) -> FakePuppet:
    fake = FakePuppet(tmp_path)
    fake.allow(HOST, SECRET)
    return fake


@pytest.fixture
def server(fake: FakePuppet) -> Iterator[Server]:
    with serve(fake) as port:
        yield Server(NAME, "127.0.0.1", port, fake.ca, timeout_s=5)


def never(argv: Any) -> None:
    raise AssertionError(f"nothing is to be removed: {argv}")


def test_a_host_gets_its_own_key_and_certificate(server: Server, tmp_path: Path) -> None:
    made = enrol(server, HOST, SECRET, tmp_path, never)
    mine = identity(tmp_path, HOST)
    assert (made.certname, made.outcome, made.note) == (HOST, "new", "")
    assert mine.key.stat().st_mode & 0o777 == 0o600
    assert keys.refusal(mine.certificate.read_bytes(), HOST, mine.key.read_bytes(), server.ca.read_bytes()) == ""


def test_the_certificate_is_fetched_on_a_fresh_connection(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    assert fake.connections == 2


def test_again_keeps_what_is_valid_without_asking(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    before, asked = identity(tmp_path, HOST).certificate.read_bytes(), fake.connections
    assert enrol(server, HOST, SECRET, tmp_path, never).outcome == "kept"
    assert identity(tmp_path, HOST).certificate.read_bytes() == before
    assert fake.connections == asked


def test_cut_after_signing_the_same_key_fetches_its_certificate(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    identity(tmp_path, HOST).certificate.unlink()
    assert enrol(server, HOST, SECRET, tmp_path, never).outcome == "new"


def test_a_squatted_name_is_recovered_and_reported(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    fake.put(HOST, keys.certificate_request(HOST, keys.new_key(), "wrong"))
    assert HOST in fake.pending
    made = enrol(server, HOST, SECRET, tmp_path, fake.run)
    assert (made.outcome, made.note) == ("recovered", "a request with another key and a wrong secret")
    assert fake.pending == {}


def test_a_request_of_ours_that_stayed_is_told_from_a_squatter(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    mine = identity(tmp_path, HOST)
    mine.key.parent.mkdir()
    mine.key.write_bytes(keys.new_key())
    fake.put(HOST, keys.certificate_request(HOST, mine.key.read_bytes(), "of another day"))
    assert enrol(server, HOST, SECRET, tmp_path, fake.run).note == "an unsigned request of ours"


def test_a_lost_key_gets_a_new_certificate(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    old = fake.signed[HOST]
    identity(tmp_path, HOST).key.unlink()
    assert "another key" in enrol(server, HOST, SECRET, tmp_path, fake.run).note
    assert fake.signed[HOST] != old


def test_another_ca_means_a_new_certificate(server: Server, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = FakePuppet(elsewhere)
    other.allow(HOST, SECRET)
    with serve(other) as port:
        assert enrol(Server(NAME, "127.0.0.1", port, other.ca), HOST, SECRET, tmp_path, never).outcome == "new"


def test_a_wrong_secret_is_an_error_that_leaves_no_request(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    with pytest.raises(WatchpostError, match=f"did not sign.*{HOST}") as caught:
        enrol(server, HOST, "wrong-secret", tmp_path, fake.run)
    assert fake.pending == {}
    assert "wrong-secret" not in str(caught.value)
    assert not identity(tmp_path, HOST).certificate.exists()


def test_a_broken_key_file_is_replaced(server: Server, tmp_path: Path) -> None:
    mine = identity(tmp_path, HOST)
    mine.key.parent.mkdir()
    mine.key.write_text("cut sho")
    enrol(server, HOST, SECRET, tmp_path, never)
    serialization.load_pem_private_key(mine.key.read_bytes(), None)


def test_many_at_once_in_the_order_given(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    secrets = {f"host-{number:03d}.lab.test": f"secret-{number}" for number in range(12)}
    for name, secret in secrets.items():
        fake.allow(name, secret)
    fake.put("host-003.lab.test", keys.certificate_request("host-003.lab.test", keys.new_key(), "wrong"))
    made = enrol_all(server, secrets, tmp_path, fake.run)
    assert [one.certname for one in made] == list(secrets)
    assert [one.certname for one in made if one.outcome == "recovered"] == ["host-003.lab.test"]


def test_a_server_of_another_ca_or_name_is_refused(server: Server, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for wrong in (replace(server, ca=FakePuppet(elsewhere).ca), replace(server, name="other.lab.test")):
        with pytest.raises(WatchpostError, match="not the server of this CA"):
            enrol(wrong, HOST, SECRET, tmp_path, never)


def test_a_server_that_is_not_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WatchpostError, match="cannot be reached"):
        enrol(replace(server, port=1), HOST, SECRET, tmp_path, never)


def test_an_agent_run_keeps_the_catalog_and_reports(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    (run,) = agents.run_agents(server, {HOST: {"kernel": "Linux"}}, tmp_path)
    assert (run.certname, run.resources, [check.title for check in run.checks]) == (HOST, 1, ["disk"])
    assert fake.reports[HOST]["host"] == HOST
    assert agents.agent_checks(agents.kept_catalog(tmp_path, HOST)) == run.checks
    assert identity(tmp_path, HOST).catalog.stat().st_mode & 0o777 == 0o600


def test_a_compile_error_names_the_host_and_keeps_the_old_catalog(server: Server, fake: FakePuppet, tmp_path: Path) -> None:
    enrol(server, HOST, SECRET, tmp_path, never)
    agents.run_agent(server, HOST, {}, tmp_path)
    before = identity(tmp_path, HOST).catalog.read_bytes()
    fake.compile_error = "Unknown variable 'x'"
    with pytest.raises(WatchpostError, match=f"{HOST}.*Unknown variable"):
        agents.run_agents(server, {HOST: {}}, tmp_path)
    assert identity(tmp_path, HOST).catalog.read_bytes() == before


def test_a_host_without_certificate_or_catalog_is_bad_input(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=HOST):
        agents.run_agent(server, HOST, {}, tmp_path)
    with pytest.raises(BadInput, match=HOST):
        agents.kept_catalog(tmp_path, HOST)


def test_the_first_failure_ends_what_has_not_begun() -> None:
    seen: list[int] = []

    def work(number: int) -> int:
        seen.append(number)
        raise WatchpostError(f"number {number}")

    with pytest.raises(WatchpostError, match="number 0"):
        in_parallel(work, list(range(1000)), 1)
    assert len(seen) < 1000


def test_commands_on_the_machine_are_words() -> None:
    assert forget_request(HOST) == ["rm", "-f", "--", f"/etc/puppet/puppetserver/ca/requests/{HOST}.pem"]
    assert forget_certificates(["a", "b"])[1:] == ["a", "b"]

"""What the Puppet server is given: each secret in its node's file alone, enrolment by fingerprint, modes in the archive."""

from __future__ import annotations

import io
import tarfile
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import yaml

from provision import deployment
from vm import lab
from vm.hosting import HostingSpec
from vm.secret_store import SecretStore, fingerprint

ONE = lab.of_name("unit-deploy")
ROLES = {"git-annex-001.lab.test": "git_annex", "rsync-002.lab.test": "rsync"}
ADDRESSES: dict[str, IPv4Address] = {name: ONE.host_address(number) for number, name in enumerate(ROLES, 1)}
SPEC = HostingSpec(vcpus=1.5, memory_mib=2048, disk_gib=20)


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    """The lab's secrets."""
    return SecretStore(tmp_path / "secrets")


def files_of(store: SecretStore) -> dict[str, str]:
    """All files of a lab of two hosts."""
    return deployment.lab_files(ONE, ROLES, ADDRESSES, SPEC, store, "query", "puppet.lab.test", "fleet.lab.test", ONE.gateway)


def values(text: str) -> list[object]:
    """The values of a file of Hiera data; of any other file its text."""
    data = yaml.safe_load(text)
    return list(data.values()) if isinstance(data, dict) else [data]


def test_each_machine_has_its_own_secrets_and_no_others(store: SecretStore) -> None:
    files = files_of(store)
    for kind, names in deployment.NODE_SECRETS.items():
        data = yaml.safe_load(files[f"nodes/{kind}.lab.test.yaml"])
        keys = {*names} | {"monitor": {"probe_private_key", "overview_private_key"}, "fleet": {"apt_repository_key"}}.get(kind, set())
        assert {key for key in data if key.startswith("secrets::")} == {f"secrets::{name}" for name in keys}
    monitor = yaml.safe_load(files["nodes/monitor.lab.test.yaml"])
    assert monitor["secrets::probe_private_key"] == store.get(deployment.PROBE)
    assert monitor["secrets::redis"] == store.get("redis")
    assert monitor["secrets::icinga_enrolment"] == store.get("enrol-icinga.lab.test")


def test_a_real_machine_is_known_by_name_address_and_secret_and_has_no_secrets_of_others(store: SecretStore) -> None:
    plain = files_of(store)
    name = "agent-trixie.lab.test"
    files = deployment.lab_files(
        ONE, ROLES, ADDRESSES | {name: ONE.address("agent-trixie")}, SPEC, store, "query", "puppet.lab.test", "fleet.lab.test", ONE.gateway, 0, ("agent-trixie",)
    )
    assert set(files) - set(plain) == {f"nodes/{name}.yaml", f"enrolment/{name}"}
    assert yaml.safe_load(files[f"nodes/{name}.yaml"]) == deployment.REAL
    assert yaml.safe_load(files["lab.yaml"])["lab::hosts"][name] == str(ONE.address("agent-trixie"))


def test_every_secret_stands_in_at_most_one_nodes_file(store: SecretStore) -> None:
    files = files_of(store)
    homes = {
        name: [path for path, text in files.items() if store.get(name) in text or store.get(name) in values(text)]
        for name in store.names()
    }
    monitor, puppet = "nodes/monitor.lab.test.yaml", "nodes/puppet.lab.test.yaml"
    expected: dict[str, list[str]] = {name: [] for name in store.names()}
    expected |= {name: [monitor] for name in ("icingadb_db", "icingaweb_db", "redis", "web_admin", "web_commands", "basic_auth", deployment.PROBE, deployment.OVERVIEW)}
    expected |= {"enrol-icinga.lab.test": [monitor], "puppetdb_db": [puppet], deployment.REPOSITORY: ["nodes/fleet.lab.test.yaml"], f"{deployment.REPOSITORY}.public": ["lab.yaml"]}
    assert homes == expected


def test_enrolment_holds_fingerprints_of_all_who_may_ask(store: SecretStore) -> None:
    files = files_of(store)
    names = ["puppet", "monitor", "fleet", "icinga", "harness", "git-annex-001", "rsync-002"]
    assert {path for path in files if path.startswith("enrolment/")} == {f"enrolment/{name}.lab.test" for name in names}
    for name in names:
        secret = store.get(deployment.enrolment_secret(f"{name}.lab.test"))
        assert files[f"enrolment/{name}.lab.test"] == fingerprint(secret) + "\n"


def test_files_are_the_same_every_time_and_for_any_order(store: SecretStore) -> None:
    first = files_of(store)
    assert files_of(store) == first
    turned = deployment.lab_files(
        ONE, dict(reversed(ROLES.items())), dict(reversed(ADDRESSES.items())), SPEC, store, "query", "puppet.lab.test", "fleet.lab.test", ONE.gateway
    )
    assert turned == first


def test_one_host_more_changes_its_own_files_and_the_labs(store: SecretStore) -> None:
    first = files_of(store)
    more = deployment.lab_files(
        ONE, ROLES | {"xmpp-003.lab.test": "xmpp"}, ADDRESSES | {"xmpp-003.lab.test": ONE.host_address(3)}, SPEC, store, "query",
        "puppet.lab.test", "fleet.lab.test", ONE.gateway,
    )  # fmt: skip
    assert set(more) - set(first) == {"nodes/xmpp-003.lab.test.yaml", "enrolment/xmpp-003.lab.test"}
    assert [name for name in first if more[name] != first[name]] == ["lab.yaml"]


def test_services_are_asked_of_simulated_hosts_alone(store: SecretStore) -> None:
    plain = files_of(store)
    asked = deployment.lab_files(
        ONE, ROLES, ADDRESSES, SPEC, store, "query", "puppet.lab.test", "fleet.lab.test", ONE.gateway, services=20
    )
    assert [name for name in plain if plain[name] != asked[name]] == [f"nodes/{name}.yaml" for name in ROLES]
    assert yaml.safe_load(asked["nodes/rsync-002.lab.test.yaml"]) == {"role": "rsync", "lab::pushed_services": 20}


def test_a_rehearsal_is_for_simulated_hosts_alone(store: SecretStore) -> None:
    plain = files_of(store)
    asked = deployment.lab_files(ONE, ROLES, ADDRESSES, SPEC, store, "query", "puppet.lab.test", "fleet.lab.test", ONE.gateway, compress=10)
    assert [name for name in plain if plain[name] != asked[name]] == [f"nodes/{name}.yaml" for name in ROLES]
    assert yaml.safe_load(asked["nodes/rsync-002.lab.test.yaml"]) == {"role": "rsync", "monitoring::compress": 10}


def test_the_labs_data_is_public_and_complete(store: SecretStore) -> None:
    data = yaml.safe_load(files_of(store)["lab.yaml"])
    assert data == {
        "lab::domain": "lab.test",
        "lab::network": str(ONE.network),
        "lab::gateway": str(ONE.gateway),
        "lab::addresses": {kind: str(ONE.address(kind)) for kind in lab.CORE},
        "lab::puppet_server": "puppet.lab.test",
        "lab::smarthost": "fleet.lab.test",
        "lab::smarthost_port": 25,
        "lab::hosts": {name: str(address) for name, address in ADDRESSES.items()},
        "lab::collect_mode": "query",
        "lab::probe_public_key": store.ssh_key(deployment.PROBE)[1],
        "lab::apt_repository_key": store.openpgp_key(deployment.REPOSITORY, deployment.SIGNER)[1],
        "lab::overview_public_key": store.ssh_key(deployment.OVERVIEW)[1],
    }


def test_nodes_have_their_role_and_the_monitor_its_size(store: SecretStore) -> None:
    files = files_of(store)
    roles = {path: yaml.safe_load(text)["role"] for path, text in files.items() if path.startswith("nodes/")}
    wanted = {f"{kind}.lab.test": kind for kind in lab.CORE} | ROLES
    assert roles == {f"nodes/{name}.yaml": role for name, role in wanted.items()}
    monitor = yaml.safe_load(files["nodes/monitor.lab.test.yaml"])
    sizes = {key: value for key, value in monitor.items() if key.startswith("hosting::")}
    assert sizes == {"hosting::vcpus": 2, "hosting::memory_mib": 2048, "hosting::disk_gib": 20}
    assert "hosting::" not in files["nodes/fleet.lab.test.yaml"]


def test_the_data_archive_is_closed_to_all_but_the_servers_group(store: SecretStore) -> None:
    files = files_of(store)
    with tarfile.open(fileobj=io.BytesIO(deployment.data_archive(files, 117))) as tar:
        members = tar.getmembers()
        content = {one.name: tar.extractfile(one) for one in members if one.isfile()}
        assert {name: stream.read().decode() for name, stream in content.items() if stream} == files
    assert {(one.mode, one.uid, one.gid) for one in members if one.isfile()} == {(0o640, 0, 117)}
    folders = {one.name: (one.mode, one.uid, one.gid) for one in members if one.isdir()}
    assert folders == dict.fromkeys(("nodes", "enrolment"), (0o750, 0, 117))


@pytest.fixture
def control_repo(tmp_path: Path) -> Path:
    """A small control repository."""
    repo = tmp_path / "repo"
    for name, text in {
        "environment.conf": "a", "hiera.yaml": "b", "data/common.yaml": "c", "manifests/site.pp": "d",
        "site/role/manifests/x.pp": "e", "modules/m/files/run": "#!/bin/sh\n", "fleet.py": "own",
        "modules/m/files/__pycache__/x.pyc": "compiled",
    }.items():  # fmt: skip
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    (repo / "modules/m/files/run").chmod(0o700)
    return repo


def test_the_code_archive_carries_code_alone_with_its_modes(control_repo: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(deployment.code_archive(control_repo))) as tar:
        members = {one.name: one for one in tar.getmembers()}
        script = tar.extractfile("modules/m/files/run")
        assert script is not None and script.read() == b"#!/bin/sh\n"
    assert {name: one.mode for name, one in members.items()} == {
        "data/common.yaml": 0o644, "environment.conf": 0o644, "hiera.yaml": 0o644, "manifests/site.pp": 0o644,
        "modules/m/files/run": 0o755, "site/role/manifests/x.pp": 0o644,
    }  # fmt: skip
    assert {(one.uid, one.gid, one.mtime) for one in members.values()} == {(0, 0, 0)}


def test_archive_and_digest_follow_the_code_and_nothing_else(control_repo: Path) -> None:
    before = deployment.code_archive(control_repo), deployment.code_digest(control_repo)
    (control_repo / "fleet.py").write_text("changed")
    (control_repo / "data/common.yaml").touch()
    assert (deployment.code_archive(control_repo), deployment.code_digest(control_repo)) == before
    (control_repo / "data/common.yaml").write_text("changed")
    after = deployment.code_archive(control_repo), deployment.code_digest(control_repo)
    assert after[0] != before[0] and after[1] != before[1]


def test_the_real_control_repository_is_deployed_whole() -> None:
    repo = Path(__file__).resolve().parents[3] / "puppet_fixtures"
    names = {str(path.relative_to(repo)) for path in deployment.code_files(repo)}
    assert {"environment.conf", "hiera.yaml", "manifests/site.pp", "data/common.yaml"} <= names
    assert {name.split("/")[0] for name in names} == set(deployment.CODE)


@pytest.mark.parametrize("secret", ["plain", "with: colon", "'quote", "0123", "-dash_", "#hash"])
def test_a_certificate_request_carries_its_secret_as_it_is(secret: str) -> None:
    assert yaml.safe_load(deployment.csr_attributes(secret)) == {"custom_attributes": {"1.2.840.113549.1.9.7": secret}}

"""What libvirt is given: valid by its own schema, marked as the lab's, and without a secret in it.

libvirt's test driver validates against the same schema as QEMU's and starts nothing.
"""

from __future__ import annotations

import base64
import json
import os
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import libvirt
import pytest

from vm import drivers, identity, lab
from vm.command import Result
from vm.drivers import DRIVERS, MachineSpec, driver, hypervisor
from vm.drivers import libvirt as vms
from vm.errors import BadInput, WatchpostError
from vm.image.build import Image

ONE = lab.of_name("unit-xml")
SECRETS = {"host-key": "PRIVATE-ssh-host", "root-password": "root:$6$hash", "enrolment": "challenge-s3cret"}


@pytest.fixture(scope="module")
def hypervisor_double() -> Iterator[libvirt.virConnect]:
    """libvirt without machines: it parses, validates and keeps what is defined in memory."""
    connection = libvirt.open("test:///default")
    yield connection
    connection.close()


@pytest.fixture
def spec(tmp_path: Path) -> MachineSpec:
    """A monitor with real secrets in files."""
    for name, text in SECRETS.items():
        (tmp_path / name).write_text(text)
    found = identity.credentials(
        ONE, "monitor", admin_key="ssh-ed25519 AAAA admin", host_key=tmp_path / "host-key",
        root_password=tmp_path / "root-password", enrolment=tmp_path / "enrolment",
    )  # fmt: skip
    image = Image(kind="monitor", digest="0" * 64, directory=tmp_path, seconds=1, packages=1)
    return MachineSpec(
        lab=ONE, kind="monitor", image=image, credentials=found, vcpus=2, memory_mib=2048, disk_gib=20, accelerator="kvm"
    )


def network_xml() -> str:
    """The network of a small lab."""
    return hypervisor.network_xml(ONE, {ONE.fqdn(kind): ONE.address(kind) for kind in lab.KINDS})


def text_of(tree: ET.Element, path: str) -> str:
    """An element's text; it must be there."""
    found = tree.find(path)
    assert found is not None and found.text, path
    return found.text


def define(connection: libvirt.virConnect, xml: str) -> None:
    """Define a domain under its own name and id, validated, and forget it again."""
    named = xml.replace("</name>", f"-{uuid.uuid4().hex}</name>", 1)
    connection.defineXMLFlags(named, libvirt.VIR_DOMAIN_DEFINE_VALIDATE).undefine()


@pytest.mark.parametrize("accelerator", ["kvm", "tcg"])
@pytest.mark.parametrize(("vcpus", "memory_mib"), [(1, 512), (2, 2048), (16, 32768)])
def test_domains_are_valid(
    hypervisor_double: libvirt.virConnect, spec: MachineSpec, accelerator: str, vcpus: int, memory_mib: int
) -> None:
    size = {"accelerator": accelerator, "vcpus": float(vcpus), "memory_mib": memory_mib}
    xml = vms.domain_xml(spec.model_copy(update=size))
    define(hypervisor_double, xml)
    tree = ET.fromstring(xml)
    assert text_of(tree, "memory") == str(memory_mib)
    vcpu = tree.find("vcpu")
    assert vcpu is not None and vcpu.get("current") == str(vcpus) and int(vcpu.text or 0) >= vcpus
    assert int(text_of(tree, "maxMemory")) >= memory_mib


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("memballoon", "memballon"), ("<on_crash>restart</on_crash>", "<on_crash>reboot</on_crash>"), ("bus='virtio'", "bus='fast'")],
)
def test_a_misspelt_domain_is_refused(
    hypervisor_double: libvirt.virConnect, spec: MachineSpec, right: str, wrong: str
) -> None:
    xml = vms.domain_xml(spec)
    define(hypervisor_double, xml)
    assert right in xml
    with pytest.raises(libvirt.libvirtError) as error:
        define(hypervisor_double, xml.replace(right, wrong))
    assert error.value.get_error_code() == libvirt.VIR_ERR_XML_INVALID_SCHEMA


def test_the_network_is_valid_and_a_misspelt_one_is_refused(hypervisor_double: libvirt.virConnect) -> None:
    xml = network_xml()
    network = hypervisor_double.networkDefineXMLFlags(xml, libvirt.VIR_NETWORK_DEFINE_VALIDATE)
    assert network.name() == "watchpost-unit-xml" and network.bridgeName() == ONE.bridge
    network.undefine()
    with pytest.raises(libvirt.libvirtError) as error:
        hypervisor_double.networkDefineXMLFlags(
            xml.replace("hostname>", "hostnam>"), libvirt.VIR_NETWORK_DEFINE_VALIDATE
        )
    assert error.value.get_error_code() == libvirt.VIR_ERR_XML_INVALID_SCHEMA


def test_the_network_names_every_machine_and_gives_no_addresses_away() -> None:
    tree = ET.fromstring(network_xml())
    names = {host.get("ip"): text_of(host, "hostname") for host in tree.iterfind("dns/host")}
    assert names == {str(ONE.address(kind)): f"{kind}.lab.test" for kind in lab.KINDS}
    address = tree.find("ip")
    assert address is not None and address.attrib == {"address": str(ONE.gateway), "prefix": "22"}
    assert tree.find(".//dhcp") is None
    domain = tree.find("domain")
    assert domain is not None and domain.attrib == {"name": "lab.test", "localOnly": "yes"}


def test_names_are_escaped() -> None:
    tree = ET.fromstring(hypervisor.network_xml(ONE, {"<a>&'\"": ONE.gateway}))
    assert text_of(tree, "dns/host/hostname") == "<a>&'\""


def test_a_running_network_learns_new_names_and_forgets_old_ones(hypervisor_double: libvirt.virConnect) -> None:
    before = {"a.lab.test": ONE.network[10], "b.lab.test": ONE.network[11], "c.lab.test": ONE.network[12]}
    after = {"a.lab.test": ONE.network[10], "b.lab.test": ONE.network[21], "d.lab.test": ONE.network[12]}
    network = hypervisor_double.networkDefineXMLFlags(hypervisor.network_xml(ONE, before), libvirt.VIR_NETWORK_DEFINE_VALIDATE)
    try:
        network.create()
        hypervisor.bring_up_to_date(network, after)
        assert hypervisor.names_in(network.XMLDesc()) == {name: str(address) for name, address in after.items()}
    finally:
        network.destroy()
        network.undefine()


def test_secrets_stand_in_files_alone(spec: MachineSpec) -> None:
    xml = vms.domain_xml(spec)
    entries = [entry.text or "" for entry in ET.fromstring(xml).iterfind("sysinfo/oemStrings/entry")]
    public = {text.partition("=")[0]: base64.b64decode(text.partition("=")[2]).decode() for text in entries}
    assert public == {f"io.systemd.credential.binary:{name}": text for name, text in spec.credentials.public.items()}
    for secret in SECRETS.values():
        assert secret not in xml
        assert not [name for name, text in public.items() if secret in text]
    files = [dict(entry.attrib) for entry in ET.fromstring(xml).iterfind("sysinfo[@type='fwcfg']/entry")]
    assert files == [
        {
            "name": f"opt/io.systemd.credentials/{name}",
            "file": str(lab.STATE / "labs/unit-xml/machines/monitor/credentials" / name),
        }
        for name in sorted(spec.credentials.secret)
    ]
    assert not [entry.text for entry in ET.fromstring(xml).iterfind("sysinfo[@type='fwcfg']/entry") if entry.text]


def test_kvm_and_tcg_differ_where_they_must(spec: MachineSpec) -> None:
    def looks(accelerator: str) -> tuple[str | None, ...]:
        tree = ET.fromstring(vms.domain_xml(spec.model_copy(update={"accelerator": accelerator})))
        cpu, disk = tree.find("cpu"), tree.find("devices/disk/driver")
        assert cpu is not None and disk is not None
        return tree.get("type"), cpu.get("mode"), disk.get("cache"), tree.findtext("features/tcg/tb-cache")

    assert looks("kvm") == ("kvm", "host-passthrough", "none", None)
    assert looks("tcg") == ("qemu", "maximum", "unsafe", "512")


@pytest.mark.parametrize("kind", ["domain", "network"])
def test_what_the_lab_owns_is_marked_and_nothing_else_is_touched(spec: MachineSpec, kind: str) -> None:
    xml = vms.domain_xml(spec) if kind == "domain" else network_xml()
    mark = ET.fromstring(xml).find(f"metadata/{{{hypervisor.NAMESPACE}}}lab")
    assert mark is not None and mark.attrib == {"name": "unit-xml"}
    hypervisor.refuse_foreign(xml, ONE)
    hypervisor.refuse_foreign(xml.replace('"', "'"), ONE)
    for foreign in (xml.replace(hypervisor.NAMESPACE, "urn:other"), xml.replace('name="unit-xml"', 'name="unit-xm"')):
        with pytest.raises(WatchpostError, match="not its mark"):
            hypervisor.refuse_foreign(foreign, ONE)


def test_the_mark_survives_libvirt(hypervisor_double: libvirt.virConnect, spec: MachineSpec) -> None:
    domain = hypervisor_double.defineXMLFlags(vms.domain_xml(spec), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    try:
        hypervisor.refuse_foreign(domain.XMLDesc(), ONE)
        with pytest.raises(WatchpostError, match="not its mark"):
            hypervisor.refuse_foreign(domain.XMLDesc(), lab.of_name("another"))
    finally:
        domain.undefine()


def test_two_labs_have_two_names_and_addresses() -> None:
    other = lab.of_name("unit-other")
    assert vms.domain_name(ONE, "monitor") != vms.domain_name(other, "monitor")
    assert drivers.mac(ONE, "monitor") == drivers.mac(ONE, "monitor") != drivers.mac(other, "monitor")
    assert drivers.mac(ONE, "monitor").startswith("52:54:00:")


def test_drivers_are_found_by_name() -> None:
    assert DRIVERS == ("container", "host", "libvirt")
    assert driver("libvirt") is vms
    with pytest.raises(BadInput, match="no driver 'console'") as error:
        driver("console")
    assert "container, host, libvirt" in error.value.todo


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ({"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"}, ""),
        ({"dst": "192.0.2.0/24", "dev": "eth0"}, ""),
        ({"dst": "10.64.9.7", "dev": "wg0"}, "10.64.9.7/32 dev wg0"),
        ({"dst": "10.64.0.0/16", "gateway": "192.0.2.9", "dev": "eth0"}, "10.64.0.0/16 via 192.0.2.9 dev eth0"),
        ({"type": "unreachable", "dst": "10.0.0.0/8"}, ""),
        ({"type": "blackhole", "dst": "10.64.8.0/22"}, "blackhole 10.64.8.0/22"),
        ({"type": "blackhole", "dst": "10.64.9.0/24"}, "blackhole 10.64.9.0/24"),
        ({"type": "broadcast", "dst": "10.64.11.255", "dev": "eth0"}, "broadcast 10.64.11.255/32 dev eth0"),
        ({"type": "unreachable", "dst": "172.16.0.0/12"}, ""),
    ],
)
def test_a_subnet_is_taken_by_what_leads_into_it(route: dict[str, str], said: str) -> None:
    found = hypervisor.taken(IPv4Network("10.64.8.0/22"), [route])
    assert (found[1] if found else "") == said


@pytest.mark.parametrize(("dst", "todo"), [("10.64.0.0/16", "another name has another subnet"), ("10.0.0.0/8", "no other name helps")])
def test_what_helps_against_a_taken_subnet_is_said(monkeypatch: pytest.MonkeyPatch, dst: str, todo: str) -> None:
    monkeypatch.setattr(hypervisor, "run", lambda argv: Result(tuple(argv), 0, json.dumps([{"dst": dst, "dev": "tun0"}]), ""))
    with pytest.raises(WatchpostError, match="overlaps a route of this host") as error:
        hypervisor.refuse_taken_subnet(IPv4Network("10.64.8.0/22"))
    assert todo in error.value.todo
    monkeypatch.setattr(hypervisor, "run", lambda argv: Result(tuple(argv), 0, "", ""))
    hypervisor.refuse_taken_subnet(IPv4Network("10.64.8.0/22"))


@pytest.mark.parametrize("name", ["a", "s1", "unit-xml", "test-0123"])
def test_every_lab_is_in_the_pools(name: str) -> None:
    assert any(pool.supernet_of(lab.of_name(name).network) for pool in lab.POOLS)


class Refusal(libvirt.libvirtError):
    """An error of libvirt with this code."""

    def __init__(self, code: int) -> None:
        super().__init__("libvirt refuses")
        self.code = code

    def get_error_code(self) -> int:
        return self.code


class Stubborn:
    """libvirt with one thing of the lab, domain and network alike, that refuses one call."""

    def __init__(self, xml: str, refused: str, code: int) -> None:
        self.xml, self.refused, self.code = xml, refused, code
        self.active = True

    def call(self, name: str) -> None:
        if name == self.refused:
            raise Refusal(self.code)

    def lookupByName(self, _: str) -> Stubborn:
        self.call("lookup")
        return self

    networkLookupByName = lookupByName

    def XMLDesc(self) -> str:
        return self.xml

    def isActive(self) -> bool:
        return self.active

    def destroy(self) -> None:
        self.call("destroy")
        self.active = False

    def undefine(self, _: int = 0) -> None:
        self.call("undefine")

    undefineFlags = undefine

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("refused", "code", "stays"),
    [
        ("none", 0, False),
        ("lookup", libvirt.VIR_ERR_NO_DOMAIN, False),
        ("lookup", libvirt.VIR_ERR_RPC, True),
        ("destroy", libvirt.VIR_ERR_OPERATION_FAILED, True),
        ("undefine", libvirt.VIR_ERR_OPERATION_FAILED, True),
    ],
)
def test_what_libvirt_keeps_keeps_its_files(spec: MachineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str, code: int, stays: bool) -> None:
    monkeypatch.setattr(lab, "STATE", tmp_path / "state")
    monkeypatch.setattr(vms, "LOGS", tmp_path)
    monkeypatch.setattr(vms, "try_connect", lambda: Stubborn(vms.domain_xml(spec), refused, code))
    log, other = tmp_path / "watchpost-unit-xml-monitor.log.0", tmp_path / "watchpost-unit-xml-b-monitor.log"
    log.touch()
    other.touch()
    spec.directory.mkdir(parents=True)
    if stays:
        with pytest.raises(WatchpostError, match="libvirt does not (let go|say)"):
            vms.destroy(ONE, "monitor")
    else:
        vms.destroy(ONE, "monitor")
    assert (spec.directory.exists(), log.exists(), other.exists()) == (stays, stays, True)


@pytest.mark.parametrize(("refused", "code", "said"), [("none", 0, False), ("lookup", libvirt.VIR_ERR_NO_NETWORK, False), ("lookup", libvirt.VIR_ERR_RPC, True), ("destroy", libvirt.VIR_ERR_OPERATION_FAILED, True)])
def test_a_network_that_stays_is_told(monkeypatch: pytest.MonkeyPatch, refused: str, code: int, said: bool) -> None:
    monkeypatch.setattr(hypervisor, "try_connect", lambda: Stubborn(network_xml(), refused, code))
    if said:
        with pytest.raises(WatchpostError, match="does not remove the lab's network"):
            hypervisor.destroy_network(ONE)
    else:
        hypervisor.destroy_network(ONE)


def test_a_machine_that_ends_by_itself_meanwhile_has_ended(spec: MachineSpec) -> None:
    class Ending(Stubborn):
        def destroy(self) -> None:
            self.active = False
            raise Refusal(libvirt.VIR_ERR_OPERATION_INVALID)

    vms.end(Ending(vms.domain_xml(spec), "none", 0))


def test_a_machine_that_was_shut_down_starts_again_with_another_size(
    hypervisor_double: libvirt.virConnect, spec: MachineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvirt keeps what was defined, and does not take another definition of that name beside it."""

    @contextmanager
    def connected(_: object) -> Iterator[libvirt.virConnect]:
        yield hypervisor_double

    monkeypatch.setattr(lab, "STATE", tmp_path / "state")
    monkeypatch.setattr(vms, "connection", connected)
    monkeypatch.setattr(vms, "run", lambda argv: Path(str(argv[-2])).touch())
    monkeypatch.setattr(vms, "qemu_user", lambda: (os.getuid(), os.getgid()))
    original = vms.domain_xml
    monkeypatch.setattr(vms, "domain_xml", lambda spec: ET.tostring(in_test_driver(ET.fromstring(original(spec))), encoding="unicode"))
    vms.start(spec)
    domain = hypervisor_double.lookupByName("watchpost-unit-xml-monitor")
    vms.start(spec.model_copy(update={"memory_mib": 4096}))
    assert domain.isActive() and domain.maxMemory() // 1024 == 2048, "one that runs is left alone"
    domain.destroy()
    vms.start(spec.model_copy(update={"memory_mib": 4096}))
    again = hypervisor_double.lookupByName("watchpost-unit-xml-monitor")
    try:
        assert again.isActive() and again.maxMemory() // 1024 == 4096
    finally:
        again.destroy()
        again.undefine()


def in_test_driver(tree: ET.Element) -> ET.Element:
    """A definition as libvirt's test driver takes it."""
    tree.set("type", "test")
    return tree

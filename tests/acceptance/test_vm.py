"""What only the VM can show: it boots from its own disk, its console needs no network, Puppet changes nothing again."""

from __future__ import annotations

from typing import Any

import pytest

from provision import icinga_api
from provision.web import IcingaWeb
from vm.drivers import libvirt
from vm.drivers.console import Console
from vm.wait import wait_until

BOOT_EDITED = "\x18"
"""Ctrl-x, in GRUB's editor."""


@pytest.fixture(scope="module")
def vm(lab: Any) -> Any:
    """The lab with the monitor made anew as a VM."""
    done = lab.invoke("provision", "--driver", "libvirt", "--json")
    assert done.returncode == 0, "provision failed; its words are above"
    return lab


@pytest.mark.requirement("HOST-1")
def test_it_is_a_vm_with_live_states(vm: Any, record_property: Any) -> None:
    found = vm.status()
    assert found["driver"] == "libvirt"
    assert found["accelerator"] in ("kvm", "tcg")
    virtual = vm.machine("monitor").run(["systemd-detect-virt"]).stdout.strip()
    assert virtual in ("kvm", "qemu")
    up = icinga_api.status(vm.api()).hosts["up"]
    assert up == len(vm.hosts)
    record_property("evidence", f"systemd-detect-virt on the monitor: {virtual}; accelerator {found['accelerator']}; {up} hosts up")


@pytest.mark.project
def test_the_disk_boots_by_itself(vm: Any) -> None:
    """The kernel that runs is the one on the disk, found by the disk's own boot loader; the root has grown."""
    machine = vm.machine("monitor")
    running = machine.run(["uname", "-r"]).stdout.strip()
    newest = machine.run(["readlink", "-f", "/vmlinuz"]).stdout.strip()
    assert newest == f"/boot/vmlinuz-{running}"
    assert "<kernel>" not in vm_xml(vm)
    size_kib = int(machine.run(["df", "--output=size", "/"]).stdout.split()[1])
    assert size_kib > 15 * 2**20


def vm_xml(vm: Any) -> str:
    from vm.drivers.hypervisor import connection

    with connection() as hypervisor:
        return str(hypervisor.lookupByName(libvirt.domain_name(vm.lab, "monitor")).XMLDesc())


@pytest.mark.project
def test_no_secret_in_the_domain_qemus_command_line_or_a_log(vm: Any) -> None:
    from tests.acceptance.test_lab import command_lines, host_logs, known_secrets, machine_logs, seen_in

    secrets = known_secrets(vm)
    lines = {where: text for where, text in command_lines().items() if b"qemu-system" in text}
    assert seen_in({"control": b"io.systemd.credential"}, lines)
    assert not seen_in(secrets, lines | {"domain": vm_xml(vm).encode()})
    logs = host_logs(vm) | machine_logs(vm, "monitor")
    assert seen_in({"control": b"qemu-system"}, logs), "QEMU's own log is among them"
    assert not seen_in(secrets, logs)


@pytest.mark.requirement("HOST-5")
def test_the_console_works_with_the_network_down(vm: Any, record_property: Any) -> None:
    libvirt.set_link(vm.lab, "monitor", up=False)
    try:
        with pytest.raises(OSError):
            import socket

            socket.create_connection((vm.web_address, 22), 5).close()
        with Console(vm.lab, "monitor") as console:
            console.login(vm.secret("root-password"))
            assert "monitor.lab.test" in console.command("cat /proc/sys/kernel/hostname")
            record_property("evidence", "with its network down the monitor does not answer on 22, and root logs in on the serial console: it is monitor.lab.test")
    finally:
        libvirt.set_link(vm.lab, "monitor", up=True)


@pytest.mark.project
def test_the_wrong_password_opens_no_console(vm: Any) -> None:
    with Console(vm.lab, "monitor") as console:
        console.say("")
        console.say("exit")  # ends what the test before left open, if it did
        console.say("")
        console.expect(r"login: ?$", deadline_s=60)
        console.say("root")
        console.expect(r"Password: ?$", deadline_s=60)
        console.say("not-" + vm.secret("root-password"))
        console.expect("Login incorrect", deadline_s=60)


@pytest.mark.project
def test_puppet_changes_nothing_in_the_vm_either(vm: Any) -> None:
    machine = vm.machine("monitor")
    machine.wait(60)
    run = vm.run_puppet(machine)
    assert (run.exit_code, run.changed, run.failed) == (0, 0, 0)


@pytest.mark.project
def test_the_web_answers_from_the_vm(vm: Any) -> None:
    web = IcingaWeb(vm.web_name, vm.web_address, vm.ca_path, ("watchpost", vm.secret("basic_auth")))
    web.login("admin", vm.secret("web_admin"))
    assert vm.hosts[0] in web.get("/icingaweb2/icingadb/hosts?limit=100").text


MEMORY = ["/usr/lib/nagios/plugins/check_memory", "-a", "-w", "15%:", "-c", "7%:"]
"""As profile::base::checks has it; a container would show the memory of its host."""
HOG = "import sys, time; held = b'x' * int(sys.argv[1]); print(len(held), flush=True); time.sleep(120)"


@pytest.mark.thorough
@pytest.mark.requirement("CHECK-ALL-3")
def test_the_check_of_memory_turns_and_turns_back(vm: Any, record_property: Any) -> None:
    machine = vm.machine("monitor")

    def answer() -> tuple[int, str]:
        done = machine.run(["runuser", "-u", "nagios", "--", *MEMORY], check=False)
        return done.returncode, done.stdout.strip()

    assert answer()[0] == 0
    available = next(int(line.split()[1]) for line in machine.run(["cat", "/proc/meminfo"]).stdout.splitlines() if line.startswith("MemAvailable:")) * 1024
    machine.run(["systemd-run", "--quiet", "--unit=hog", "python3", "-c", HOG, str(int(available - 0.04 * 2**31))])
    try:
        bad = wait_until(lambda: found if (found := answer())[0] == 2 else None, reason="memory is critical", deadline_s=60)
    finally:
        machine.run(["systemctl", "stop", "hog.service"])
    assert answer()[0] == 0
    record_property("evidence", bad[1].splitlines()[0][:160])
    machine.close()


@pytest.mark.requirement("HOST-5")
def test_the_boot_menu_is_reached_over_the_console(vm: Any, record_property: Any) -> None:
    """And its entries can be edited there, with the network down: what a machine that does not come up any more is mended by."""
    with Console(vm.lab, "monitor") as console:
        console.login(vm.secret("root-password"))
        libvirt.set_link(vm.lab, "monitor", up=False)
        try:
            console.say("systemctl reboot")
            console.expect("GNU GRUB", deadline_s=300)
            console.press("e")
            assert "linux" in console.expect("setparams", deadline_s=60)
            console.press(BOOT_EDITED)
            console.expect(r"login: ?$", deadline_s=600)
            record_property("evidence", "with its network down, on the serial console: GNU GRUB, an entry in its editor, and from there booted to the login prompt")
        finally:
            libvirt.set_link(vm.lab, "monitor", up=True)


@pytest.mark.thorough
@pytest.mark.requirement("HOST-8")
def test_the_vm_grows_while_it_works(vm: Any, record_property: Any) -> None:
    vm.machine("monitor").wait(240)
    boot = vm.machine("monitor").run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout
    done = vm.invoke("resize", "--vcpus", "3", "--memory", "2560", "--disk", "22", "--json")
    assert done.returncode == 0, "resize failed; its words are above"
    machine = vm.machine("monitor")
    how = "without a reboot" if machine.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout == boot else "by a reboot"
    seen = machine.run(["nproc"]).stdout.strip(), machine.run(["df", "--output=size", "--block-size=1G", "/"]).stdout.split()[-1]
    assert seen[0] == "3" and int(seen[1]) >= 20
    assert icinga_api.status(vm.api()).hosts["up"] == len(vm.hosts)
    record_property("evidence", f"2 to 3 vCPUs, 2048 to 2560 MiB, 20 to 22 GiB, {how}; its root file system has {seen[1]} GiB")
    machine.close()

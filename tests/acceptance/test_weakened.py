"""What a test made weaker and could not take back, as it was killed: told by `status`, taken back by `provision`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.acceptance.conftest import CHECKOUT, LiveLab
from tests.acceptance.icinga import answers, commands
from tests.acceptance.notifier_limits import NONE, SETTINGS
from vm.wait import wait_until

pytestmark = [pytest.mark.project, pytest.mark.thorough]

PLACE = "/etc/icinga2/watchpost.d/weakened.conf"
WEAKEN = f"""import sys, time
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import reloaded
from tests.acceptance.notifier_limits import NONE, limited
lab = LiveLab(sys.argv[1])
with limited(lab, NONE), reloaded(lab, "{PLACE}", 'object CheckCommand "evil" {{ command = [ "/usr/bin/touch", "/tmp/x" ] }}'):
    print("weakened", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_test_left_weak_is_told_and_provision_takes_it_back(lab: LiveLab) -> None:
    monitor = lab.machine("monitor")
    before = monitor.run(["sha256sum", SETTINGS]).stdout, monitor.run(["stat", "--format=%a %U:%G", SETTINGS]).stdout
    assert lab.status()["weakened"] == []
    process = subprocess.Popen([sys.executable, "-c", WEAKEN, lab.lab.name], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "weakened\n"
        process.kill()
        process.communicate(timeout=10)
        assert set(lab.status()["weakened"]) == {"a notifier with other limits (monitor)", "a test's objects in Icinga (monitor)"}
        assert "evil" in commands(lab) and json.loads(monitor.run(["cat", SETTINGS]).stdout)["limits"]["per_host"] == NONE.per_host
    finally:
        process.kill()
        assert lab.invoke("provision", "--json").returncode == 0
    assert lab.status()["weakened"] == []
    wait_until(lambda: answers(lab) and "evil" not in commands(lab), reason="Icinga without the object", deadline_s=60)
    assert monitor.run(["test", "-e", PLACE], check=False).returncode == 1
    assert (monitor.run(["sha256sum", SETTINGS]).stdout, monitor.run(["stat", "--format=%a %U:%G", SETTINGS]).stdout) == before
    monitor.close()

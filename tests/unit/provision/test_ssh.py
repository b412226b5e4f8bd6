"""A machine that never answers is named, with what was waited for and what to do; nothing of Python is shown."""

from __future__ import annotations

import fabric
import pytest

from provision.ssh import Machine
from vm.errors import WatchpostError

CLOSED = 1
"""A port on loopback where nothing listens."""


def silent() -> Machine:
    return Machine("monitor.lab.test", "127.0.0.1", fabric.Connection("127.0.0.1", user="root", port=CLOSED, connect_timeout=2))


def test_a_machine_that_never_answers_ends_the_wait_in_words() -> None:
    with pytest.raises(WatchpostError) as error:
        silent().wait(0.5)
    text = str(error.value)
    assert "in vain for SSH on monitor.lab.test (127.0.0.1)" in text
    assert "to do: `invoke console` shows what the machine says" in text
    assert error.value.exit_code == 1


def test_a_command_on_it_fails_in_words_too() -> None:
    with pytest.raises(WatchpostError, match=r"monitor\.lab\.test cannot be reached"):
        silent().run(["true"])

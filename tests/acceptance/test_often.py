"""What fails often is told, though it never fails twice in a row (UI-5)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from provision.protocol.icinga import State
from tests.acceptance.conftest import LiveLab
from tests.acceptance.icinga import of_role, service
from tests.acceptance.mails import awaited, received
from tests.acceptance.speaker import speaking
from tests.acceptance.test_mail import SETTLE_S, calm, fresh  # noqa: F401  # a notifier that has its budgets before it
from vm.wait import wait_until

CHECK = "bitcoind-height"
LIMIT = 8
LOOK_S = 60
"""Between two looks at the history."""


@pytest.mark.requirement("UI-5")
def test_ui5_a_check_that_fails_often_and_never_twice_in_a_row_is_told(lab: LiveLab, record_property: Any) -> None:
    host = of_role(lab, "bitcoind")
    with speaking(lab, host) as (speaker, titles):
        assert CHECK in titles
        calm(speaker, CHECK, settle_s=SETTLE_S)
        wait_until(lambda: service(lab, host, f"{CHECK}-often")["last_check_result"], reason="a first look at the history", deadline_s=2 * LOOK_S)
        assert service(lab, host, f"{CHECK}-often")["state"] == 0, "control: few failures are none to be told of"
        since = time.time()
        for _ in range(LIMIT):
            speaker.say(CHECK, State.CRITICAL, "failed once")
            calm(speaker, CHECK)
        mails = awaited(lab, since, f"[CRITICAL] {host} {CHECK}-often", deadline_s=2 * LOOK_S + 30)
    said = service(lab, host, f"{CHECK}-often")["last_check_result"]["output"]
    assert not [one for one in received(lab, since) if one.subject.endswith(f" {CHECK}")], "of none of the failures by itself"
    record_property("evidence", f"{LIMIT} failures, never two in a row: {said[:120]}; {[one.subject for one in mails if CHECK in one.subject]}")

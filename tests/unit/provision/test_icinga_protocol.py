"""Messages and the agent's session: what is sent when, and what a master may do to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.protocol import icinga
from provision.protocol.agent_session import (
    Acknowledged,
    AgentSession,
    Closed,
    Connected,
    Refused,
)
from provision.protocol.icinga import CheckResultEncoder, State
from provision.protocol.master_session import MasterSession
from provision.protocol.netstring import Decoder, encode
from provision.protocol.replay_log import ReplayLog


def messages(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in Decoder().feed(data)]


def greeted(now: float = 100.0) -> AgentSession:
    session = AgentSession(now)
    session.take()
    assert session.receive(icinga.hello(), now) == [Connected(21406, 3)]
    return session


@settings(max_examples=50)
@given(st.text(), st.text(), st.text(), st.lists(st.text(), max_size=3), st.sampled_from(State))
def test_a_result_says_what_it_was_given_whatever_the_text(
    host: str, service: str, output: str, perfdata: list[str], state: State
) -> None:
    encoder = CheckResultEncoder(host, service, host, ["plugin", service])
    frame = encoder.encode(state, output, perfdata, scheduled=10.25, started=11.5, ended=12.75, now=13.0)
    (message,) = messages(frame)
    cr = message["params"]["cr"]
    assert (message["method"], message["ts"]) == ("event::CheckResult", 13.0)
    assert (message["params"]["host"], message["params"]["service"]) == (host, service)
    assert (cr["state"], cr["exit_status"], cr["output"], cr["performance_data"]) == (state, state, output, perfdata)
    assert (cr["schedule_start"], cr["schedule_end"], cr["execution_start"], cr["execution_end"]) == (
        10.25,
        12.75,
        11.5,
        12.75,
    )
    assert (cr["check_source"], cr["command"], cr["active"]) == (host, ["plugin", service], True)


def test_a_result_of_the_host_itself_names_no_service() -> None:
    frame = CheckResultEncoder("a", None, "a").encode(State.OK, "up", scheduled=1, started=1, ended=1)
    assert "service" not in messages(frame)[0]["params"]


def test_hello_goes_out_first_and_heartbeats_follow() -> None:
    session = AgentSession(0.0)
    assert [message["method"] for message in messages(session.take())] == ["icinga::Hello"]
    assert session.state == "greeting"
    session.receive(icinga.hello(), 1.0)
    assert session.due == 20.0
    assert session.tick(19.9) == [] and session.take() == b""
    assert session.tick(20.0) == [] and session.take() == icinga.HEARTBEAT
    assert session.due == 40.0


def test_a_silent_master_is_given_up_after_a_minute_and_a_talking_one_is_not() -> None:
    session = greeted(100.0)
    session.receive(icinga.HEARTBEAT, 130.0)
    assert session.tick(189.0) == []
    (closed,) = session.tick(190.0)
    assert isinstance(closed, Closed) and "silent" in closed.reason
    assert session.take() == b"" and session.receive(icinga.hello(), 191.0) == []


def test_the_masters_position_is_told_back_and_ours_is_learnt() -> None:
    session = greeted()
    session.receive(icinga.notification("config::Update", {}, ts=55.5), 101.0)
    assert session.due == 105.0
    session.tick(105.0)
    assert [message.get("params") for message in messages(session.take())] == [{"log_position": 55.5}]
    session.tick(110.0)
    assert session.take() == b""
    session.receive(icinga.log_position(77.0) + icinga.log_position(66.0), 111.0)
    assert session.acknowledged == 77.0


def test_commands_are_refused_and_questions_with_an_id_answered() -> None:
    session = greeted()
    assert session.receive(icinga.notification("event::ExecuteCommand", {"command": "x"}), 101.0) == [
        Refused("event::ExecuteCommand")
    ]
    assert session.take() == b""
    session.receive(encode(b'{"jsonrpc":"2.0","method":"event::Heartbeat","params":{},"id":"7"}'), 102.0)
    assert messages(session.take()) == [{"jsonrpc": "2.0", "id": "7", "result": None}]
    assert session.state == "connected"


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        encode(b"{"),
        encode(b"[]"),
        encode(b"[" * 100000),
        icinga.notification("icinga::Hello", {"version": "new"}),
        encode(b'{"method":"icinga::Hello","params":{"version":Infinity}}'),
        icinga.notification("log::SetLogPosition", {"log_position": [1]}),
        b"",
    ],
)
def test_what_cannot_be_read_closes_the_session_with_a_reason(data: bytes) -> None:
    session = greeted()
    (closed,) = session.receive(data, 101.0)
    assert isinstance(closed, Closed) and closed.reason
    assert session.state == "closed"


def test_what_a_lost_connection_took_along_is_sent_again_once_and_in_order() -> None:
    log, encoder, master, received = ReplayLog(), CheckResultEncoder("a", "load", "a"), MasterSession(), []

    def result(at: float) -> bytes:
        frame = encoder.encode(State.OK, str(at), scheduled=at, started=at, ended=at)
        log.add(at, frame)
        return frame

    first = AgentSession(0.0)
    first.send(result(10.1234567))
    received += master.receive(first.take())
    master.tick()
    for event in first.receive(master.take(), 1.0):
        if isinstance(event, Acknowledged):
            log.acknowledge(event.position)
    assert len(log) == 0
    first.send(result(20.0))
    first.take()  # sent, and lost on the way
    result(30.0)  # while there was no connection
    second = AgentSession(2.0)
    for frame in log:
        second.send(frame)
    second.send(result(40.0))
    received += master.receive(second.take())
    assert [one["cr"]["output"] for one in received] == ["10.1234567", "20.0", "30.0", "40.0"]


def test_agent_and_master_sessions_understand_each_other() -> None:
    agent, master = AgentSession(0.0), MasterSession()
    encoder = CheckResultEncoder("a", "load", "a")
    for now in (10.0, 20.0, 15.0):  # the last one is older than what the master has
        agent.send(encoder.encode(State.OK, str(now), scheduled=now, started=now, ended=now))
    results = master.receive(agent.take())
    assert [result["cr"]["output"] for result in results] == ["10.0", "20.0"]
    master.tick()
    agent.receive(master.take(), 1.0)
    assert (agent.state, agent.acknowledged) == ("connected", 20.0)

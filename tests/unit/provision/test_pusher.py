"""The pusher against a real TLS sink on loopback: identity, promptness, growth, reconnects, the end."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from provision import agent, daemon, pusher
from provision.icinga_sink import Sink, make_spec
from provision.pusher import Pusher
from provision.pusher_spec import PusherSpec, PusherStatus, StateModel
from provision.throwaway_ca import Authority
from vm.artefact import load, save

ROOT = Path(__file__).parents[3]
DAY_S = 86400
"""So long that no second planned result falls into a test."""


async def until(probe: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not probe():
        assert time.monotonic() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.02)


async def leave(running: Pusher) -> None:
    for one in running.agents.values():
        one.stop()
    await asyncio.sleep(0.05)


def prompt(spec: PusherSpec) -> PusherSpec:
    return spec.model_copy(update={"prompt_s": 0.2})


def test_each_host_pushes_its_results_as_itself_from_its_own_address(tmp_path: Path) -> None:
    async def story() -> None:
        sink = Sink(Authority(tmp_path))
        await sink.start()
        spec = prompt(make_spec(sink.authority, sink.port, hosts=3, checks=4, interval_s=DAY_S))
        save(spec, tmp_path / "spec.json")
        running = Pusher(tmp_path / "spec.json")
        running.apply(spec)
        await until(lambda: sink.count == 12, "12 results")
        assert sink.peers == {host.certname: host.address for host in spec.hosts}
        sent = Counter((name, result["host"]) for name, result in sink.results)
        assert sent == {(host.certname, host.certname): 4 for host in spec.hosts}
        assert {result["cr"]["state"] for _, result in sink.results} == {0}
        running.report()
        status = load(PusherStatus, spec.status)
        assert (status.hosts, status.connected, status.sent, status.reconnects) == (3, 3, 12, 0)
        assert 0 <= status.lateness_p99_s < 1
        await leave(running)
        await until(lambda: not sink.writers, "the sink to see all leave")
        await sink.stop()

    asyncio.run(story())


def test_results_go_on_at_planned_times_and_a_mute_check_sends_none(tmp_path: Path) -> None:
    async def story() -> None:
        sink = Sink(Authority(tmp_path))
        await sink.start()
        spec = prompt(make_spec(sink.authority, sink.port, hosts=1, checks=2, interval_s=0.3))
        mute = spec.hosts[0].checks[1].model_copy(update={"model": StateModel(kind="mute")})
        host = spec.hosts[0].model_copy(update={"checks": (spec.hosts[0].checks[0], mute)})
        spec = spec.model_copy(update={"hosts": (host,)})
        save(spec, tmp_path / "spec.json")
        running = Pusher(tmp_path / "spec.json")
        running.apply(spec)
        await until(lambda: sink.count >= 5, "5 results")
        await leave(running)
        await sink.stop()
        assert {result["service"] for _, result in sink.results} == {"check 0"}
        planned = [result["cr"]["schedule_start"] for _, result in sink.results[1:]]
        steps = [later - earlier for earlier, later in zip(planned, planned[1:], strict=False)]
        assert steps == pytest.approx([0.3] * len(steps), abs=0.01)

    asyncio.run(story())


def reported(sink: Sink) -> set[tuple[str, str]]:
    """Checks with a result so far; a next planned result may come at any moment and makes no difference."""
    return {(host, result["service"]) for host, result in sink.results}


def test_growing_and_shrinking_drops_no_other_connection(tmp_path: Path) -> None:
    async def story() -> None:
        sink = Sink(Authority(tmp_path))
        await sink.start()
        path = tmp_path / "spec.json"
        large = prompt(make_spec(sink.authority, sink.port, hosts=4, checks=2, interval_s=DAY_S))
        small = large.model_copy(update={"hosts": large.hosts[:2]})
        save(small, path)
        running = Pusher(path)
        running.apply(small)
        await until(lambda: len(reported(sink)) == 4, "the first results")
        save(large, path)
        running.reload()
        await until(lambda: len(reported(sink)) == 8, "the new hosts' results")
        assert sink.connections == 4
        fewer = tuple(host.model_copy(update={"checks": host.checks[:1]}) for host in large.hosts[1:3])
        save(large.model_copy(update={"hosts": fewer}), path)
        running.reload()
        await until(lambda: len(sink.writers) == 2, "two hosts to leave")
        assert sink.connections == 4 and sorted(running.agents) == [host.certname for host in fewer]
        path.write_text("{")
        running.reload()
        assert len(running.agents) == 2 and "spec not taken" in running.tally.last_error
        await leave(running)
        await sink.stop()

    asyncio.run(story())


def test_agents_come_back_after_a_restart_of_the_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "RECONNECT_S", 0.2)

    async def story() -> None:
        sink = Sink(Authority(tmp_path))
        await sink.start()
        spec = prompt(make_spec(sink.authority, sink.port, hosts=2, checks=1, interval_s=DAY_S))
        save(spec, tmp_path / "spec.json")
        running = Pusher(tmp_path / "spec.json")
        running.apply(spec)
        await until(lambda: sink.count == 2, "the first results")
        await sink.stop()
        await until(lambda: not any(one.connected for one in running.agents.values()), "the loss to be seen")
        await until(lambda: running.tally.reconnects >= 4, "attempts")
        await sink.start(sink.port)
        await until(lambda: sink.count == 4, "results after the restart")
        await leave(running)
        await sink.stop()

    asyncio.run(story())


def test_a_certificate_that_the_master_refuses_is_reported(tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "evil").mkdir()
        sink = Sink(Authority(tmp_path))
        await sink.start()
        spec = prompt(make_spec(Authority(tmp_path / "evil"), sink.port, hosts=1, checks=1, interval_s=DAY_S))
        spec = spec.model_copy(update={"ca": sink.authority.certificate})
        save(spec, tmp_path / "spec.json")
        running = Pusher(tmp_path / "spec.json")
        running.apply(spec)
        await until(lambda: bool(running.tally.last_error), "the refusal")
        assert sink.connections == 0 and running.tally.last_error.startswith("web-001.lab.test: ")
        await leave(running)
        await sink.stop()

    asyncio.run(story())


@pytest.mark.parametrize("impostor", ["web-001.lab.test", "other CA"])
def test_a_false_master_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impostor: str) -> None:
    """The name of another host of the CA, or the right name of another CA; the tests above are the positive control."""
    monkeypatch.setattr(agent, "RECONNECT_S", 0.1)

    async def story() -> None:
        authority = Authority(tmp_path)
        if impostor == "other CA":
            (tmp_path / "evil").mkdir()
            sink = Sink(Authority(tmp_path / "evil"))
        else:
            sink = Sink(authority, name=impostor)
        await sink.start()
        spec = prompt(make_spec(authority, sink.port, hosts=2, checks=1, interval_s=DAY_S))
        save(spec, tmp_path / "spec.json")
        running = Pusher(tmp_path / "spec.json")
        running.apply(spec)
        await until(lambda: running.tally.reconnects >= 3, "three attempts")
        assert sink.count == 0 and not any(one.connected for one in running.agents.values())
        word = "is for web-001.lab.test" if impostor != "other CA" else "certificate verify failed"
        assert word in running.tally.last_error
        await leave(running)
        await sink.stop()

    asyncio.run(story())


def test_the_process_takes_signals_and_ends_cleanly(tmp_path: Path) -> None:
    async def story() -> None:
        sink = Sink(Authority(tmp_path))
        await sink.start()
        path, record = tmp_path / "spec.json", tmp_path / "pusher.json"
        large = prompt(make_spec(sink.authority, sink.port, hosts=3, checks=1, interval_s=DAY_S))
        save(large.model_copy(update={"hosts": large.hosts[:1]}), path)
        argv = [sys.executable, "-m", "provision.pusher", str(path)]
        started = daemon.start(argv, tmp_path / "log", record, cwd=ROOT)
        await until(lambda: sink.count == 1, "the first result")
        save(large, path)
        assert daemon.send_signal(record, signal.SIGHUP)
        await until(lambda: sink.count == 3, "the new hosts' results")
        began = time.monotonic()
        assert await asyncio.to_thread(daemon.stop, record, grace_s=4)
        assert time.monotonic() - began < 2
        assert not Path(f"/proc/{started.process.pid}").exists()
        status = load(PusherStatus, large.status)
        assert (status.pid, status.sent, status.connected) == (started.process.pid, 3, 0)
        assert (tmp_path / "log").read_text() == ""
        await sink.stop()

    asyncio.run(story())


def test_a_bad_spec_ends_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pusher.main([str(tmp_path / "none.json")]) == 2
    assert "no PusherSpec" in capsys.readouterr().err
    assert pusher.main([]) == 2
    assert not list(tmp_path.iterdir())

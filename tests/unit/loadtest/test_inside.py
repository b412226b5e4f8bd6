"""What services say of themselves: each probe's readings from what the service was seen to answer, and the process that asks."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from loadtest import inside
from loadtest.inside import (
    Place,
    agent_run,
    mail_queue,
    mail_sink,
    packages,
    postgresql,
    puppetdb,
    puppetserver,
    valkey,
)
from vm import processes
from vm.lab import KINDS
from vm.wait import wait_until

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDER = CHECKOUT / "loadtest" / "inside"
RECORDED = CHECKOUT / "tests" / "recorded"


@pytest.mark.parametrize("name", inside.names())
def test_every_file_of_the_folder_is_a_probe_of_some_machine(name: str) -> None:
    module = __import__(f"loadtest.inside.{name}", fromlist=["MACHINE"])
    assert module.MACHINE in KINDS and callable(module.Probe.read)


def test_the_folder_is_the_registry() -> None:
    assert set(inside.names()) == {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    assert "_http" not in inside.names()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_nothing_is_imported_but_pythons_own_library(path: Path) -> None:
    """It is sent into machines that have nothing else."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("loadtest.inside"), name


def test_a_psql_that_does_not_answer_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What enters a container starts psql as its child: killing the first alone would leave one psql more on the monitor at each turn."""
    monkeypatch.setattr(postgresql, "ANSWER_S", 0.3)
    said = tmp_path / "child"
    probe = postgresql.Probe(Place(tmp_path, ("sh", "-c", f"sleep 300 & echo $! >{said}; wait", "enter")))
    with pytest.raises(TimeoutError):
        list(probe.read(0))
    child = int(said.read_text())
    wait_until(lambda: processes.start_ticks(child) is None, reason="the child's end", deadline_s=10, interval_s=0.02)


def test_postgresql_s_lines() -> None:
    text = "connections|7\ntransactions|1434\nwal_bytes|15895400\ndatabase_bytes|13465300|database=icingadb\ntemporary_bytes|\nsome notice\n"
    assert list(postgresql.readings(text)) == [
        ("connections", 7, ""), ("transactions", 1434, ""), ("wal_bytes", 15895400, ""), ("database_bytes", 13465300, "database=icingadb"),
    ]  # fmt: skip


SUMMARY = """---
version:
  config: 1795624595
  puppet: 8.10.0
application:
  run_mode: agent
resources:
  changed: 3
  failed: 0
  total: 169
time:
  config_retrieval: 0.853889
  total: 3.96551
  last_run: 1795624598
"""


def test_the_summary_of_a_puppet_run_is_told_once(tmp_path: Path) -> None:
    place = tmp_path / agent_run.SUMMARY
    place.parent.mkdir(parents=True)
    place.write_text(SUMMARY)
    probe = agent_run.Probe(Place(tmp_path))
    told = dict((metric, value) for metric, value, _ in probe.read(0))
    assert told == {"changed": 3, "failed": 0, "resources": 169, "catalog_s": 0.853889, "run_s": 3.96551, "ended_s": 1795624598}
    assert list(probe.read(1)) == []
    place.write_text(SUMMARY.replace("changed: 3", "changed: 0"))
    assert ("changed", 0, "") in list(probe.read(2))


def test_only_installed_packages_take_room() -> None:
    one = "Package: a\nStatus: install ok installed\nInstalled-Size: 100\nDescription: x\n Installed-Size: 7 is not a field here\n"
    gone = "Package: b\nStatus: deinstall ok config-files\nInstalled-Size: 50\n"
    assert packages.installed_kib("\n".join([one, gone, one])) == 200


def test_mails_are_counted_by_queue(tmp_path: Path) -> None:
    spool = tmp_path / "var/spool/postfix"
    for path in ("deferred/A/A1", "deferred/B/B2", "active/C3"):
        (spool / path).parent.mkdir(parents=True, exist_ok=True)
        (spool / path).touch()
    assert {labels: value for _, value, labels in mail_queue.Probe(Place(tmp_path)).read(0)} == {
        "queue=maildrop": 0, "queue=incoming": 0, "queue=active": 1, "queue=deferred": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("head", "delay_s"),
    [
        (b"Date: Wed, 25 Nov 2026 10:00:00 +0000\r\n\r\nDate: not this one", 2.5),
        (b"Date: Wed, 25 Nov 2026 11:00:00 +0100\r\n\r\n", 2.5),
        (b"Date: Wed, 25 Nov 2026 10:00:00 -0000\r\n\r\n", 2.5),
        (b"Date: yesterday\r\n\r\n", None),
        (b"Subject: none\r\n\r\n", None),
    ],
)
def test_a_mail_s_delay_is_from_its_date_to_its_acceptance(head: bytes, delay_s: float | None) -> None:
    name = f"{1795600802500000000:020d}.9-000001"
    assert mail_sink.delay_s(name, head) == (None if delay_s is None else pytest.approx(delay_s))


def test_the_sink_tells_of_mails_that_came_since(tmp_path: Path) -> None:
    new = tmp_path / "var/lib/mail-sink/new"
    new.mkdir(parents=True)
    (new / "1795600802500000000.9-1").write_bytes(b"Date: Wed, 25 Nov 2026 10:00:00 +0000\r\n\r\n")
    probe = mail_sink.Probe(Place(tmp_path))
    assert list(probe.read(0)) == [("received", 1, "")]
    (new / "1795600803500000000.9-2").write_bytes(b"Date: Wed, 25 Nov 2026 10:00:00 +0000\r\n\r\n")
    assert list(probe.read(1)) == [("received", 2, ""), ("delay_s", pytest.approx(3.5), "")]
    assert list(probe.read(2)) == [("received", 2, "")]


def answers(*, missing: str = "") -> list[dict[str, Any]]:
    return [
        {"request": {"mbean": bean}, "status": 404} if bean == missing else {"request": {"mbean": bean}, "status": 200, "value": {"Count": number}}
        for number, bean in enumerate(puppetdb.BEANS)
    ]


def test_puppetdb_s_counters_and_one_that_never_counted() -> None:
    assert [value for _, value, _ in puppetdb.readings(answers())] == list(range(len(puppetdb.BEANS)))
    last = list(puppetdb.BEANS)[-1]
    assert list(puppetdb.readings(answers(missing=last)))[-1] == (puppetdb.BEANS[last], 0, "")
    with pytest.raises(ValueError, match="an answer about"):
        list(puppetdb.readings(answers()[::-1]))


def test_the_puppet_server_s_status_as_recorded() -> None:
    status = json.loads((RECORDED / "puppetserver-status.json").read_text())
    told = {(metric, labels): value for metric, value, labels in puppetserver.readings(status)}
    assert told["heap_used_mib", ""] > 100 and told["jrubies", ""] == 2 and told["gc_s", ""] > 0
    assert told["calls", "of=compile"] > 0 and told["calls_s", "of=compile"] > 0


def serve(replies: list[bytes]) -> int:
    """A Valkey that takes one connection and answers each read with the next reply, in parts."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        client, _ = listener.accept()
        with client:
            for reply in replies:
                client.recv(65536)
                for part in (reply[:3], reply[3:]):
                    client.sendall(part)
                    time.sleep(0.01)
        listener.close()

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


INFO = "# Memory\r\nused_memory:3928640\r\nused_memory_peak:5735380\r\ntotal_commands_processed:7140\r\nrejected_connections:0\r\n"


def test_valkey_s_memory_and_the_backlog_of_icinga_db(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = f"${len(INFO)}\r\n{INFO}\r\n".encode() + b":5\r\n" + b":0\r\n" * 5
    monkeypatch.setattr(valkey, "PORT", serve([b"+OK\r\n", answer]))
    told = {(metric, labels): value for metric, value, labels in valkey.Probe(Place(Path("/"), secrets={"redis": "secret"})).read(0)}
    assert told["memory_bytes", ""] == 3928640 and told["commands", ""] == 7140
    assert told["icingadb_backlog", "stream=state"] == 5 and told["icingadb_backlog", "stream=notification"] == 0


def test_a_wrong_password_is_told_and_asked_again_on_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "PORT", serve([b"-WRONGPASS invalid username-password pair\r\n"]))
    probe = valkey.Probe(Place(Path("/"), secrets={"redis": "wrong"}))
    with pytest.raises(OSError, match="WRONGPASS"):
        list(probe.read(0))
    answer = f"${len(INFO)}\r\n{INFO}\r\n".encode() + b":0\r\n" * 6
    monkeypatch.setattr(valkey, "PORT", serve([b"+OK\r\n", answer]))
    assert list(probe.read(1))


def test_a_command_is_quoted_by_its_length() -> None:
    assert valkey.encoded("AUTH", "a b\r\n") == b"*2\r\n$4\r\nAUTH\r\n$5\r\na b\r\n\r\n"


def test_the_process_says_a_line_a_second_and_ends_with_its_input(tmp_path: Path) -> None:
    order = {"machine": "fleet", "root": str(tmp_path), "enter": [], "secrets": {}}
    process = subprocess.Popen([sys.executable, "-m", "loadtest.inside"], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.flush()
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert all(line["readings"] == [["mail_sink", "received", 0, ""]] and not line["errors"] for line in lines)
    assert 0 < lines[0]["cpu_s"] <= lines[1]["cpu_s"]
    process.stdin.close()
    assert process.wait(10) == 0


def test_a_service_that_is_down_does_not_silence_the_others(tmp_path: Path) -> None:
    order = {"machine": "monitor", "root": str(tmp_path), "enter": ["false"], "secrets": {"redis": "x"}}
    done = subprocess.run([sys.executable, "-m", "loadtest.inside"], cwd=CHECKOUT, input=json.dumps(order) + "\n", capture_output=True, text=True, timeout=30)
    line = json.loads(done.stdout.splitlines()[0])
    assert {"postgresql", "valkey", "agent_run", "packages"} <= set(line["errors"]), line["errors"]
    assert [probe for probe, *_ in line["readings"]] == ["mail_queue"] * 4

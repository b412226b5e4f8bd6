"""Runs on the machine that is measured: the reference workload, fixed for ever. Standard library only; the harness sends it through standard input.

Four parts take turns; each gives the CPU seconds that it took, whoever spent them: this process, those it started, or PostgreSQL's.
A change of what a part does changes what a reference unit is: give WORKLOAD another number then.

Words: how many rounds, after how many seconds no round begins any more. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

WORKLOAD = 1
PLUGIN = "/usr/lib/nagios/plugins/check_dummy"
STAND_IN = "/bin/true"
STARTS, HANDSHAKES, MESSAGES, PAGES, QUERIES = 1000, 500, 20_000, 600, 30
INTERPRETED_STARTS = 25
CLASSES = {
    "perl": ["perl", "-Mstrict", "-MGetopt::Long", "-e", 'print "OK\\n"'],
    "python": ["python3", "-c", 'import argparse, json; print("OK")'],
}
"""What every plugin of such a class has to load before it checks anything."""
PAGE = r"""
for ($page = 0; $page < %d; $page++) {
    $rows = [];
    for ($n = 0; $n < 400; $n++) {
        $rows[] = ['host' => 'web-' . ($n %% 50), 'service' => "check $n", 'state' => $n * 7 %% 4, 'output' => "OK - <b>$n</b> & well, load 0.$n"];
    }
    usort($rows, fn($a, $b) => [$b['state'], $a['host']] <=> [$a['state'], $b['host']]);
    $html = '';
    foreach ($rows as $row) {
        $text = preg_replace('/(\d+)\.(\d+)/', '$1,$2', htmlspecialchars($row['output']));
        $html .= sprintf("<li class=\"state-%%d\"><a href=\"?%%s\">%%s</a> %%s</li>\n", $row['state'], http_build_query($row), ucfirst($row['host']), $text);
    }
    $sum = md5($html . json_encode($rows));
}
echo $sum;
"""
TABLE = """
SET max_parallel_workers_per_gather = 0; SET jit = off; SET client_min_messages = error;
DROP TABLE IF EXISTS pg_temp.watchpost_history;
CREATE TEMP TABLE watchpost_history (id bigint PRIMARY KEY, host int, service int, state int, at timestamptz, output text);
"""
QUERY = """
INSERT INTO watchpost_history SELECT n, n % 50, n % 1000, n * 7 % 4, timestamptz '2026-01-01' + n * interval '1 second', 'output of check ' || n
  FROM generate_series({first}, {first} + 1999) AS n;
UPDATE watchpost_history SET state = (state + 1) % 4 WHERE service % 20 = {number};
SELECT host, count(*), max(at) FROM watchpost_history WHERE state > 1 GROUP BY host ORDER BY 2 DESC, 1 LIMIT 10;
SELECT count(*) FROM (SELECT service, lag(state) OVER (PARTITION BY service ORDER BY at) <> state AS changed FROM watchpost_history) AS s WHERE changed;
"""


class Lacking(Exception):
    """The machine has not what a part needs; the text says what."""


def spent() -> float:
    """CPU seconds of this process and of those that it waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def cpu_of(work: Callable[[], object]) -> float:
    """What a piece of work takes of it."""
    before = spent()
    work()
    return spent() - before


def start(argv: list[str], times: int) -> float:
    """CPU seconds of so many starts, one after the other, by fork and exec, as a monitoring daemon starts a plugin."""
    program = shutil.which(argv[0])
    if not program:
        raise Lacking(f"no {argv[0]}")
    null = os.open(os.devnull, os.O_RDWR)

    def all_of_them() -> None:
        for _ in range(times):
            child = os.fork()
            if child == 0:
                try:
                    for standard in (0, 1, 2):
                        os.dup2(null, standard)
                    os.execv(program, argv)
                finally:
                    os._exit(127)
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status) == 127:
                raise Lacking(f"{program} does not start")

    try:
        return cpu_of(all_of_them)
    finally:
        os.close(null)


def plugin() -> list[str]:
    """A C plugin that does nothing, or what stands in for one."""
    return [PLUGIN, "0"] if os.access(PLUGIN, os.X_OK) else [STAND_IN]


def plugin_starts(place: Path) -> float:
    """1,000 starts of a C plugin."""
    return start(plugin(), STARTS)


def contexts(place: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Both sides of mutual TLS with one P-256 certificate, made for this once."""
    pem = place / "both.pem"
    if not pem.exists():
        if not shutil.which("openssl"):
            raise Lacking("no openssl, which makes the certificate")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=reference",
             "-keyout", str(pem), "-out", f"{pem}.crt"],
            check=True, stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    for one in (server, client):
        one.load_cert_chain(pem)
        one.load_verify_locations(f"{pem}.crt")
        one.verify_mode = ssl.CERT_REQUIRED
    return server, client


def converse(server: ssl.SSLContext, client: ssl.SSLContext, messages: int) -> None:
    """One connection in memory: handshake, then so many check results, each encoded, encrypted, decrypted and decoded."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = client.wrap_bio(to_client, to_server)
    here = server.wrap_bio(to_server, to_client, server_side=True)
    open_ = [there, here]
    while open_:
        for side in list(open_):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            open_.remove(side)
    for number in range(messages):
        result = {
            "check_source": "web-001.lab.test", "command": ["check_load", "-w", "5"], "execution_start": 1.7e9 + number, "exit_status": number % 4,
            "output": f"LOAD OK - load average: 0.{number}", "performance_data": [f"load1=0.{number};8;16;0", f"load5=0.{number};6;12;0"],
        }  # fmt: skip
        body = {
            "jsonrpc": "2.0",
            "method": "event::CheckResult",
            "params": {"host": "web-001", "service": f"check {number}", "cr": result},
            "ts": 1.7e9,
        }
        there.write(json.dumps(body, separators=(",", ":")).encode())
        if json.loads(here.read(65536)) != body:
            raise RuntimeError("a message changed on its way")


def tls_json(place: Path) -> float:
    """TLS handshakes with certificates of both sides, and check results as JSON over them."""
    server, client = contexts(place)

    def all_of_them() -> None:
        for _ in range(HANDSHAKES):
            converse(server, client, MESSAGES // HANDSHAKES)

    return cpu_of(all_of_them)


def php_page(place: Path) -> float:
    """A page of 400 rows, made so many times by one PHP process without php.ini."""
    program = shutil.which("php")
    if not program:
        raise Lacking("no php (Debian package php-cli)")
    code = PAGE % PAGES
    return cpu_of(
        lambda: subprocess.run([program, "-n", "-r", code], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    )


def on_cpu(pid: int) -> float:
    """Seconds that a process was on a CPU, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def sql(place: Path) -> float:
    """State history written, changed, counted, in a temporary table of one session, which ends with it. The server process's CPU seconds."""
    if not shutil.which("psql") or not shutil.which("runuser"):
        raise Lacking("no psql (Debian package postgresql)")
    argv = ["runuser", "-u", "postgres", "--", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]
    with subprocess.Popen(
        argv, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as session:
        assert session.stdin and session.stdout and session.stderr
        session.stdin.write(TABLE + "SELECT pg_backend_pid();\n")
        session.stdin.flush()
        answer = session.stdout.readline().strip()
        if not answer.isdigit():
            raise Lacking(f"no PostgreSQL that user postgres may ask: {session.stderr.readline().strip()}")
        before = on_cpu(int(answer))
        for number in range(QUERIES):
            session.stdin.write(QUERY.format(first=number * 2000, number=number))
        session.stdin.write("SELECT 'end';\n")
        session.stdin.flush()
        while (line := session.stdout.readline()) != "end\n":
            if not line:
                raise Lacking(f"PostgreSQL ended the session: {session.stderr.readline().strip()}")
        return on_cpu(int(answer)) - before


PARTS: dict[str, Callable[[Path], float]] = {
    "plugin_starts": plugin_starts,
    "tls_json": tls_json,
    "php_page": php_page,
    "sql": sql,
}


def cpu_model() -> str:
    """As the kernel names it, with family and model, as some clouds hide the name."""
    found = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    words = {key.strip(): value.strip() for key, value in found.items()}
    kind = f" family {words['cpu family']} model {words['model']}" if "cpu family" in words and "model" in words else ""
    return words.get("model name", os.uname().machine) + kind


def main(rounds: int, last_s: float) -> dict[str, object]:
    """All rounds. cpu_s: CPU seconds by part, one for each round; start_ms: milliseconds of one start by class of plugin."""
    began = time.monotonic()
    cpu_s: dict[str, list[float]] = {}
    start_ms: dict[str, list[float]] = {}
    lacking: dict[str, str] = {}
    longest = done = 0.0
    with tempfile.TemporaryDirectory(prefix="watchpost-reference-") as name:
        for turn in range(rounds):
            if turn and time.monotonic() - began + longest > last_s:
                break
            began_turn = time.monotonic()
            for part, run in PARTS.items():
                if part in lacking:
                    continue
                try:
                    cpu_s.setdefault(part, []).append(run(Path(name)))
                except Lacking as error:
                    lacking[part] = str(error)
                    cpu_s.pop(part, None)
            for kind, argv in CLASSES.items():
                if shutil.which(argv[0]):
                    start_ms.setdefault(kind, []).append(start(argv, INTERPRETED_STARTS) / INTERPRETED_STARTS * 1000)
            longest, done = max(longest, time.monotonic() - began_turn), turn + 1
    start_ms["c"] = [one / STARTS * 1000 for one in cpu_s.get("plugin_starts", [])]
    return {
        "workload": WORKLOAD, "cpu_model": cpu_model(), "plugin": plugin()[0], "rounds": int(done), "seconds": time.monotonic() - began,
        "cpu_s": cpu_s, "start_ms": start_ms, "lacking": lacking,
    }  # fmt: skip


if __name__ == "__main__":
    signal.alarm(round(float(sys.argv[2]) * 2) + 10)  # whatever hangs, nothing of it stays on the machine
    print(json.dumps(main(int(sys.argv[1]), float(sys.argv[2]))))

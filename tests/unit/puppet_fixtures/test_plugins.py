"""The site's own plugins against small servers and files: each state for its reason, and hostile input that changes nothing else."""

from __future__ import annotations

import email.utils
import http.server
import os
import re
import runpy
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "puppet_fixtures" / "modules" / "monitoring" / "files" / "plugins"
ALL = sorted(path.name for path in PLUGINS.glob("check_*"))


def run(name: str, *arguments: str, timeout: float = 20) -> tuple[int, str]:
    """State and output of a plugin, started as Icinga does: an argument vector, no shell."""
    argv = ["/usr/bin/python3", "-Bs", str(PLUGINS / name), *arguments]
    done = subprocess.run(argv, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False)
    output = done.stdout.decode("utf-8")
    if not arguments or arguments[0] != "--help":
        assert output.count("\n") <= 1, output
        assert all(letter.isprintable() for letter in output.rstrip("\n"))
    return done.returncode, output


@contextmanager
def web(answer: Callable[[str, str], tuple[int, dict[str, str], bytes]]) -> Iterator[int]:
    """A web server on loopback: `answer` gets host name and path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.headers.get("Host", ""), self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def tcp(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server on loopback."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                talk(self.request)
            except OSError:
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def test_the_list_of_plugins_is_not_empty() -> None:
    assert len(ALL) >= 11


@pytest.mark.parametrize("name", ALL)
def test_every_plugin_explains_itself_and_answers_wrong_arguments_with_unknown(name: str) -> None:
    status, output = run(name, "--help")
    assert status == 0 and "--timeout" in output
    assert run(name, "--no-such-option")[0] == 3
    assert os.access(PLUGINS / name, os.X_OK)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check_rsync_dirs", "-H", "-e/bin/sh", "-e", "a/b"),
        ("check_rsync_dirs", "-H", "localhost", "-e", "--rsh=touch x/b"),
        ("check_git", "-u", "ext::sh -c touch% x"),
        ("check_git", "-u", "ssh://-oProxyCommand=x/y"),
        ("check_sftp", "-H", "-oProxyCommand=x", "-u", "a", "-f", "b"),
        ("check_sftp", "-H", "localhost", "-u", "a", "-f", "b\n!touch x"),
    ],
    ids=["host as option", "directory as option", "remote helper", "ssh option", "sftp option", "sftp escape"],
)
def test_an_argument_never_becomes_an_option_or_a_command(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments)[0] == 3
    assert not list(tmp_path.iterdir())


# --- directories over HTTP


def listing(*names: str) -> bytes:
    links = "".join(f'<a href="{name}">{name}</a>\n' for name in names)
    return f'<html><a href="../">../</a>{links}</html>'.encode()


def tree(pages: dict[str, bytes], age_s: float = 60) -> Callable[[str, str], tuple[int, dict[str, str], bytes]]:
    headers = {"Last-Modified": email.utils.formatdate(time.time() - age_s, usegmt=True)}
    return lambda host, path: (200, headers, pages[path]) if path in pages else (404, {}, b"")


NIGHTLY = {"/stable/": listing("a-1.iso", "a-2.iso"), "/stable/a-2.iso": b"x", "/devel/": listing("d.iso"), "/devel/d.iso": b"x"}


def nightly(port: int, *more: str) -> tuple[int, str]:
    return run("check_http_dir", "-H", "127.0.0.1", "-p", str(port), "--path", "/stable/", "--path", "/devel/", "--file", r"\.iso$", *more)


def test_http_dir_sees_what_is_there_and_what_is_not() -> None:
    with web(tree(NIGHTLY)) as port:
        assert nightly(port, "--max-age-s", "100")[0] == 0
        assert nightly(port, "--max-age-s", "50")[0] == 2
    with web(tree({**NIGHTLY, "/devel/": listing("README")})) as port:
        status, output = nightly(port)
        assert status == 2 and "/devel/" in output
    with web(tree({path: page for path, page in NIGHTLY.items() if path != "/devel/d.iso"})) as port:
        assert nightly(port)[0] == 2
    with web(tree({path: page for path, page in NIGHTLY.items() if path != "/devel/"})) as port:
        assert nightly(port)[0] == 2


def test_http_dir_looks_into_subdirectories() -> None:
    pages = {"/tb/": listing("1.0/", "2.0/", "notes/"), "/tb/1.0/": listing("x.tar.xz"), "/tb/2.0/": listing("y.tar.xz")}
    files = {"/tb/1.0/x.tar.xz": b"x", "/tb/2.0/y.tar.xz": b"y"}
    words = ("--path", "/tb/", "--subdirectory", r"^[0-9.]+$", "--file", r"\.tar\.xz$")
    with web(tree(pages | files)) as port:
        assert run("check_http_dir", "-H", "127.0.0.1", "-p", str(port), *words)[0] == 0
    with web(tree(pages | files | {"/tb/2.0/": listing()})) as port:
        assert run("check_http_dir", "-H", "127.0.0.1", "-p", str(port), *words)[0] == 2
    with web(tree({"/tb/": listing()})) as port:
        assert run("check_http_dir", "-H", "127.0.0.1", "-p", str(port), *words)[0] == 2


def test_hostile_pages_end_in_one_clean_line() -> None:
    def nasty(host: str, path: str) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b'<a href="\x1b[2J|x=1">\x00<a href=>' + b"<a" * 100_000

    with web(nasty) as port:
        status, output = run("check_http_dir", "-H", "127.0.0.1", "-p", str(port), "--path", "/", "--file", "never")
        assert status == 2 and output.count("|") == 0
    with web(lambda host, path: (200, {}, b"x" * (5 * 1024 * 1024))) as port:
        status, output = run("check_http_dir", "-H", "127.0.0.1", "-p", str(port), "--path", "/", "--file", "never")
        assert status == 2 and "more than" in output


# --- SFTP


@pytest.mark.parametrize(
    ("status", "output", "errors", "says"),
    [
        (0, "", "", None),
        (1, "This service allows sftp connections only.\n", "", None),
        (1, "This account is currently not available.\n", "", None),
        (255, "", "exec request failed on channel 0\n", None),
        (0, "this-is-a-shell\n", "", "gets a shell"),
        (255, "", "Connection closed by 10.0.0.1 port 22\n", "not known"),
        (255, "", "sftp-test@10.0.0.1: Permission denied (publickey).\n", "not known"),
        (255, "", "", "not known"),
    ],
    ids=["forced command", "words of its own", "nologin", "no command taken", "shell", "hung up", "not let in", "silent"],
)
def test_a_shell_is_refused_only_to_who_was_let_in(status: int, output: str, errors: str, says: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    refused = runpy.run_path(str(PLUGINS / "check_sftp"))["refused"]
    if says is None:
        refused(status, output, errors)
    else:
        with pytest.raises(Exception, match=says):
            refused(status, output, errors)


# --- APT repository

RELEASE = """-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

Suite: {suite}
Codename: {suite}
Date: {date}
Valid-Until: {until}
SHA256:
 0000000000000000000000000000000000000000000000000000000000000000  10 main/binary-amd64/Packages
-----BEGIN PGP SIGNATURE-----

x
-----END PGP SIGNATURE-----
"""


@pytest.mark.parametrize(
    ("suite", "left_s", "cut", "expected"),
    [("stable", 700_000, 0, 0), ("stable", 1000, 0, 1), ("stable", -10, 0, 2), ("other", 700_000, 0, 2), ("stable", 700_000, 30, 2)],
    ids=["fresh", "expires soon", "expired", "another suite", "cut off"],
)
def test_apt_repo(suite: str, left_s: int, cut: int, expected: int) -> None:
    now = time.time()
    text = RELEASE.format(suite=suite, date=email.utils.formatdate(now - 60), until=email.utils.formatdate(now + left_s)).encode()
    pages = {"/dists/stable/InRelease": text[: len(text) - cut], "/dists/stable/main/binary-amd64/Packages": b"x"}
    with web(tree(pages)) as port:
        assert run("check_apt_repo", "-H", "127.0.0.1", "-p", str(port), "-s", "stable")[0] == expected


def test_apt_repo_without_its_list_of_packages_is_critical() -> None:
    now = time.time()
    text = RELEASE.format(suite="stable", date=email.utils.formatdate(now), until=email.utils.formatdate(now + 700_000)).encode()
    with web(tree({"/dists/stable/InRelease": text})) as port:
        assert run("check_apt_repo", "-H", "127.0.0.1", "-p", str(port), "-s", "stable")[0] == 2


@dataclass(frozen=True)
class Signer:
    """Signs as reprepro does, with keys by name; the public ones lie in its home as NAME.asc and NAME.gpg."""

    home: Path

    def gpg(self, *words: str, text: str = "") -> bytes:
        argv = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *words]
        return subprocess.run(argv, input=text.encode(), capture_output=True, check=True).stdout

    def sign(self, name: str, text: str) -> bytes:
        return self.gpg("--local-user", name, "--clear-sign", text=text)


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    with tempfile.TemporaryDirectory() as home:  # pytest's own would make the paths of the agent's sockets too long
        made = Signer(Path(home))
        for name in ("ours", "other"):
            made.gpg("--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "0")
            (made.home / f"{name}.asc").write_bytes(made.gpg("--armor", "--export", name))
            (made.home / f"{name}.gpg").write_bytes(made.gpg("--export", name))
        yield made
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def release(left_s: float = 700_000) -> str:
    """What is signed of a suite."""
    now = time.time()
    text = RELEASE.format(suite="stable", date=email.utils.formatdate(now - 60), until=email.utils.formatdate(now + left_s))
    return text.split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE")[0]


def asked(body: bytes, keyring: Path | str) -> tuple[int, str]:
    """The check with a keyring, of a suite with such an InRelease."""
    with web(tree({"/dists/stable/InRelease": body, "/dists/stable/main/binary-amd64/Packages": b"x"})) as port:
        return run("check_apt_repo", "-H", "127.0.0.1", "-p", str(port), "-s", "stable", "--keyring", str(keyring))


@pytest.mark.parametrize("form", ["asc", "gpg"])
def test_apt_repo_with_a_keyring_wants_the_signature_of_its_key(signer: Signer, form: str) -> None:
    ours = signer.home / f"ours.{form}"
    good = signer.sign("ours", release())
    assert asked(good, ours)[0] == 0
    for bad in (signer.sign("other", release()), good.replace(b"Packages", b"Backdoor"), good.replace(b"Suite", b"suite")):
        status, output = asked(bad, ours)
        assert status == 2 and "signature is not good" in output
    status, output = asked(good[: len(good) // 2], ours)
    assert status == 2 and "cut off" in output
    middle = good.index(b"-----BEGIN PGP SIGNATURE")
    assert asked(good[: middle + 60] + good[-30:], ours)[0] == 2, "a signature that is cut in its midst"


def test_apt_repo_takes_no_word_that_stands_beside_what_is_signed(signer: Signer) -> None:
    stale = signer.sign("ours", release(left_s=-10))
    status, output = asked(stale, signer.home / "ours.asc")
    assert status == 2 and "expired" in output
    later = f"Valid-Until: {email.utils.formatdate(time.time() + 700_000)}\n".encode()
    assert asked(stale + later, signer.home / "ours.asc")[0] == 2


def test_apt_repo_without_its_keyring_is_not_good(signer: Signer, tmp_path: Path) -> None:
    (tmp_path / "empty.gpg").touch()
    good = signer.sign("ours", release())
    assert asked(good, tmp_path / "empty.gpg")[0] == 2
    assert asked(good, tmp_path / "none.asc")[0] == 3


# --- Bitcoin


def height(tmp_path: Path, own: str, others: list[bytes], age_s: float = 0) -> tuple[int, str]:
    file = tmp_path / "height"
    file.write_text(own)
    os.utime(file, (time.time() - age_s, time.time() - age_s))
    with web(tree({f"/{number}": body for number, body in enumerate(others)})) as port:
        sources = [word for number in range(len(others)) for word in ("-s", f"http://127.0.0.1:{port}/{number}")]
        return run("check_bitcoin_height", "-f", str(file), *sources)


def test_bitcoin_height(tmp_path: Path) -> None:
    assert height(tmp_path, "100\n", [b"100", b"101"])[0] == 0
    assert height(tmp_path, "100\n", [b"104", b"104"])[0] == 1
    assert height(tmp_path, "100\n", [b"110", b"110"])[0] == 2
    assert height(tmp_path, "200\n", [b"110", b"110"])[0] == 1
    assert height(tmp_path, "100\n", [b"100", b"100"], age_s=3600)[0] == 2
    assert height(tmp_path, "no number\n", [b"100", b"100"])[0] == 2


def test_one_lying_source_of_three_changes_nothing_and_one_source_is_not_enough(tmp_path: Path) -> None:
    assert height(tmp_path, "100\n", [b"100", b"999999", b"100"])[0] == 0
    for lie in (b"999999", b"7"):
        status, output = height(tmp_path, "100\n", [b"100", lie])
        assert status == 3 and "do not agree" in output
    assert height(tmp_path, "100\n", [b"100", b"<html>" * 10])[0] == 3
    assert height(tmp_path, "100\n", [b"100"])[0] == 3


def test_bitcoin_height_asks_through_socks_by_name(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def proxy(stream: socket.socket) -> None:
        stream.recv(3)
        stream.sendall(b"\x05\x00")
        request = stream.recv(300)
        asked.append(request[5 : 5 + request[4]])
        stream.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        stream.recv(1000)
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n100")

    (tmp_path / "height").write_text("100")
    words = ("-f", str(tmp_path / "height"), "-s", "http://a.example.onion/h", "-s", "http://b.example.onion/h")
    with tcp(proxy) as port:
        assert run("check_bitcoin_height", *words, "--socks", f"127.0.0.1:{port}")[0] == 0
    assert asked == [b"a.example.onion", b"b.example.onion"]


# --- Puppet

SUMMARY = """---
version:
  config: {config}
  puppet: 8.10.0
resources:
  failed: {failed}
  failed_to_restart: 0
  total: {total}
time:
  total: 12.5
  last_run: {last_run}
events:
  failure: {failed}
  total: 0
"""


def puppet(tmp_path: Path, *, config: str = "1", failed: int = 0, total: int = 300, age_s: int = 60) -> tuple[int, str]:
    path = tmp_path / "summary.yaml"
    path.write_text(SUMMARY.format(config=config, failed=failed, total=total, last_run=int(time.time()) - age_s))
    return run("check_puppet_run", "--summary", str(path), "--lockfile", str(tmp_path / "lock"))


def test_puppet_run_has_distinct_answers(tmp_path: Path) -> None:
    assert puppet(tmp_path)[0] == 0
    assert puppet(tmp_path, age_s=8000)[0] == 1
    assert puppet(tmp_path, age_s=20000)[0] == 2
    assert puppet(tmp_path, failed=2)[0] == 2
    assert puppet(tmp_path, config="", total=0)[0] == 2
    answers = [puppet(tmp_path, age_s=20000)[1], puppet(tmp_path, failed=2)[1], puppet(tmp_path, config="", total=0)[1]]
    (tmp_path / "lock").write_text("{}")
    status, disabled = puppet(tmp_path, age_s=20000)
    assert status == 1 and "disabled" in disabled
    causes = [re.sub(r"[0-9]+", "", text.split(" | ")[0]) for text in [*answers, disabled]]
    assert len(set(causes)) == 4
    assert run("check_puppet_run", "--summary", str(tmp_path / "none"), "--lockfile", str(tmp_path / "none"))[0] == 2


# --- APT's lists


def test_apt_fresh(tmp_path: Path) -> None:
    stamp, lists = tmp_path / "stamp", tmp_path / "lists"
    lists.mkdir()
    words = ("--stamp", str(stamp), "--lists", str(lists))
    assert run("check_apt_fresh", *words)[0] == 2
    stamp.touch()
    assert run("check_apt_fresh", *words)[0] == 2
    release = lists / "deb.example_dists_stable_InRelease"
    release.write_text(f"Suite: stable\nValid-Until: {email.utils.formatdate(time.time() + 1000)}\n")
    assert run("check_apt_fresh", *words)[0] == 0
    os.utime(stamp, (0, time.time() - 200_000))
    assert run("check_apt_fresh", *words)[0] == 1
    stamp.touch()
    release.write_text(f"Suite: stable\nValid-Until: {email.utils.formatdate(time.time() - 1000)}\n")
    status, output = run("check_apt_fresh", *words)
    assert status == 2 and release.name in output


# --- BitTorrent

INFO_HASH = "6ace9ce61a4acd878599c6cca187b8505dc1f7f4"


def peer(messages: bytes, info_hash: str = INFO_HASH) -> Callable[[socket.socket], None]:
    def talk(stream: socket.socket) -> None:
        stream.recv(68)
        stream.sendall(b"\x13BitTorrent protocol" + bytes(8) + bytes.fromhex(info_hash) + b"-TR0000-abcdefghijkl" + messages)
        stream.recv(1)

    return talk


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (b"\0\0\0\x01\x0e", 0),
        (b"\0\0\0\x02\x05\xf0", 0),
        (b"\0\0\0\0\0\0\0\x02\x05\xf0", 0),
        (b"\0\0\0\x02\x05\xe0", 2),
        (b"\0\0\0\x01\x0f", 2),
        (b"\xff\xff\xff\xff", 2),
    ],
    ids=["have all", "bitfield", "keep-alive first", "a piece is missing", "have none", "huge message"],
)
def test_seeding(messages: bytes, expected: int) -> None:
    with tcp(peer(messages)) as port:
        assert run("check_seeding", "-H", "127.0.0.1", "-p", str(port), "-i", INFO_HASH, "--pieces", "4")[0] == expected


def test_seeding_of_another_torrent_is_critical() -> None:
    with tcp(peer(b"\0\0\0\x01\x0e", "0" * 40)) as port:
        assert run("check_seeding", "-H", "127.0.0.1", "-p", str(port), "-i", INFO_HASH)[0] == 2


# --- XMPP


def xmpp(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(stream: socket.socket) -> None:
        stream.recv(1000)
        stream.sendall(answer)
        time.sleep(3)

    return talk


FEATURES = b"<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (FEATURES, 0),
        (FEATURES.replace(b"xmpp-tls", b"nothing"), 2),
        (b"<stream:stream><stream:error><host-unknown/></stream:error>", 2),
        (b"", 2),
        (b"x" * 100_000, 2),
    ],
    ids=["offers encryption", "offers none", "refuses", "silent", "endless"],
)
def test_xmpp(answer: bytes, expected: int) -> None:
    with tcp(xmpp(answer)) as port:
        started = time.monotonic()
        assert run("check_xmpp", "-H", "127.0.0.1", "-p", str(port), "-d", "lab.test", "--starttls", "-t", "1")[0] == expected
        assert time.monotonic() - started < 6


# --- mail


def test_mail_relay_waits_for_the_receipt() -> None:
    seen: list[str] = []

    def relay(stream: socket.socket) -> None:
        stream.sendall(b"220 relay\r\n")
        lines = stream.makefile("rb")
        while line := lines.readline():
            word = line[:4].upper()
            if word == b"DATA":
                stream.sendall(b"354 go\r\n")
                while (text := lines.readline()) != b".\r\n":
                    if text.startswith(b"X-Watchpost-Probe:"):
                        seen.append(text.decode().split()[1])
                stream.sendall(b"250 taken\r\n")
            elif word == b"QUIT":
                stream.sendall(b"221 bye\r\n")
                return
            else:
                stream.sendall(b"250 OK\r\n")

    arrived = lambda host, path: (200 if path.removeprefix("/receipts/") in seen else 404, {}, b"")  # noqa: E731
    with tcp(relay) as smtp:
        words = ("-H", "127.0.0.1", "-p", str(smtp), "--recipient", "probe@lab.test")
        with web(arrived) as port:
            assert run("check_mail_relay", *words, "--receipts", f"http://127.0.0.1:{port}/receipts/")[0] == 0
        with web(tree({})) as port:
            status, output = run("check_mail_relay", *words, "--receipts", f"http://127.0.0.1:{port}/receipts/", "-c", "1")
            assert status == 2 and "not arrived" in output
    assert len(seen) == 2 and seen[0] != seen[1]


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    over = threading.Event()
    with tcp(lambda stream: over.wait(60) and None) as port:
        yield port
        over.set()


DEADLINES = {
    "check_http_dir": ("--path", "/", "--file", "x"),
    "check_apt_repo": ("-s", "stable"),
    "check_seeding": ("-i", INFO_HASH),
}


def test_a_server_that_never_answers_ends_at_the_deadline(silent: int) -> None:
    def ask(name: str) -> tuple[int, float]:
        started = time.monotonic()
        status, _ = run(name, "-H", "127.0.0.1", "-p", str(silent), *DEADLINES[name], "-t", "1")
        return status, time.monotonic() - started

    # Side by side: each waits for its own deadline and for nothing else.
    with ThreadPoolExecutor(len(DEADLINES)) as pool:
        answers = dict(zip(DEADLINES, pool.map(ask, DEADLINES), strict=True))
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(DEADLINES, 2)
    assert all(1 <= took < 4 for _, took in answers.values()), answers


PSQL = """#!/bin/sh
cat > "$0.sql"
printf '%s\\n' "$@" > "$0.words"
{answer}
"""


def history(folder: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """check_failure_frequency with a psql of this test before Debian's."""
    psql = folder / "psql"
    psql.write_text(PSQL.replace("{answer}", answer))
    psql.chmod(0o755)
    argv = ["/usr/bin/python3", "-Bs", str(PLUGINS / "check_failure_frequency"), "--host", "a.lab.test", "--service", "website", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}, check=False, timeout=20)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("failures", "state"), [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2), (1000, 2)])
def test_failure_frequency_counts_failures(tmp_path: Path, failures: int, state: int) -> None:
    code, output = history(tmp_path, f"echo '{failures}|1795000000.5'")
    assert (code, f"failed {failures} times in 7 days" in output) == (state, True), output
    assert f"failures={failures};3;6" in output
    words = (tmp_path / "psql.words").read_text().split("\n")
    assert "host=a.lab.test" in words and "service=website" in words and "since=604800" in words
    assert "previous_soft_state = 0" in (tmp_path / "psql.sql").read_text()


def test_failure_frequency_without_a_history_is_unknown(tmp_path: Path) -> None:
    code, output = history(tmp_path, "echo 'psql: error: no such role' >&2; exit 2")
    assert code == 3 and "no such role" in output
    assert history(tmp_path, "echo nonsense")[0] == 3


@pytest.mark.parametrize("words", [("--host", "a'b"), ("--service", "x; DROP TABLE host"), ("--window-s", "-1")])
def test_failure_frequency_takes_no_other_names(words: tuple[str, str]) -> None:
    code, _ = run("check_failure_frequency", "--host", "a", "--service", "b", *words)
    assert code == 3

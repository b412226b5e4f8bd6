"""A mirror that goes away half-way, and a kill while packages are fetched: no half is taken for whole, what was fetched is kept, the same command goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote
from urllib.request import Request, urlopen

import pytest

from tests.acceptance.conftest import CHECKOUT, INVOKE
from tests.acceptance.test_image_boot import DATA
from vm.command import run
from vm.image import build, debs, lock, verify
from vm.image.lock import PackageLock
from vm.image.supply import CACHE_VARIABLE, STORE
from vm.wait import wait_until

pytestmark = pytest.mark.project

LACKING = 12
"""So many .debs are left to fetch."""
SERVED = 5
"""After so many the mirror goes away, in the middle of the next."""


class Proxy(ThreadingHTTPServer):
    """The mirror, relayed until it has served so many .debs: then half a .deb and no more, or (stalls) half a .deb and silence."""

    daemon_threads = True

    def __init__(self, whole: int, *, stalls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.whole, self.stalls = whole, stalls
        self.asked: list[str] = []
        self.gone, self.end = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        """What APT is told (apt-transport-http(1))."""
        return f"http://127.0.0.1:{self.server_port}"


class Relay(BaseHTTPRequestHandler):
    """One connection of APT's."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        """Answer with what the mirror says, or as a mirror that is going away does."""
        if self.server.gone.is_set():
            self.close_connection = True
            return
        asked = {name: value for name, value in self.headers.items() if name.lower() in ("if-modified-since", "accept")}
        try:
            with urlopen(Request(self.path, headers=asked), timeout=60) as answer:
                status, headers, body = answer.status, answer.headers, answer.read()
        except HTTPError as error:
            status, headers, body = error.code, error.headers, error.read()
        if self.path.endswith(".deb"):
            self.server.asked.append(unquote(self.path.rpartition("/")[2]))
            if len(self.server.asked) > self.server.whole:
                self.server.gone.set()
        self.send_response(status)
        for name in ("Last-Modified", "Content-Type"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not self.server.gone.is_set():
            self.wfile.write(body)
            return
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self.close_connection = True
        if self.server.stalls:
            self.server.end.wait()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def mirror(whole: int, *, stalls: bool = False) -> Iterator[Proxy]:
    """A mirror that serves so many .debs."""
    with Proxy(whole, stalls=stalls) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.end.set()
            proxy.shutdown()


@pytest.fixture
def known() -> PackageLock:
    """The lock of an image that the mirror could serve a while ago."""
    return lock.read(build.find_or_build("fleet", DATA)[0].lock)


@pytest.fixture
def cache(known: PackageLock) -> Iterator[Path]:
    """A cache that has everything but the image and its last few .debs; beside the real one, so that hard links do."""
    with verify.scratch_directory(STORE, ".fetching") as found:
        for name in ("debs", "packages"):
            (found / name).mkdir()
        shutil.copytree(STORE.apt, found / "apt")
        debs.link(known.packages[:-LACKING], STORE.debs, found / "debs")
        run(["cp", "--archive", "--link", *STORE.images.glob("packages/fleet-*"), found / "packages"])
        yield found


def start(cache: Path, proxy: Proxy) -> subprocess.Popen[str]:
    """The user's command, with a cache of its own and by way of a proxy."""
    env = {**os.environ, CACHE_VARIABLE: str(cache), "http_proxy": proxy.url}
    argv = [INVOKE, "image", "--kind", "fleet"]
    return subprocess.Popen(argv, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fetching(cache: Path) -> list[int]:
    """Processes that work in the cache of .debs."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "cwd").startswith(str(cache)):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def test_a_mirror_that_goes_away_half_way(cache: Path, known: PackageLock) -> None:
    wanted = {package.file_name for package in known.packages[-LACKING:]}
    with mirror(SERVED) as proxy:
        process = start(cache, proxy)
        _, said = process.communicate(timeout=600)
    assert process.returncode == 1 and "Traceback" not in said, said
    broken = proxy.asked[SERVED]
    assert broken in wanted
    sentence = unquote(said[said.index("watchpost: ") :])
    for part in ("the image fleet could not be built", f"/{broken}", "to do:", "What was fetched is kept; the same command goes on from there"):
        assert part in sentence, sentence
    assert not list(cache.glob("fleet-*")) and not list(cache.glob(".fleet-*")), "nothing half-made is there"
    lacking = debs.faults(known.packages, cache / "debs")
    assert lacking.wrong == (), "half a .deb is not taken for one"
    assert {one.file_name for one in lacking.missing} == wanted - set(proxy.asked[:SERVED])

    with mirror(1, stalls=True) as proxy:
        process = start(cache, proxy)
        wait_until(proxy.gone.is_set, reason="the second .deb to be asked for", deadline_s=120, interval_s=0.05)
        assert fetching(cache), "the control: the search finds APT at work"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        wait_until(lambda: not fetching(cache), reason="APT to end with the command", deadline_s=10, interval_s=0.1)
    assert not list(cache.glob("fleet-*"))

    with mirror(LACKING) as proxy:
        process = start(cache, proxy)
        out, said = process.communicate(timeout=600)
    assert process.returncode == 0 and list(cache.glob("fleet-*/image.json")), said
    assert not any(debs.faults(known.packages, cache / "debs").model_dump().values())
    assert len(proxy.asked) == len(set(proxy.asked)) == LACKING - SERVED - 1, "only what was not there yet is fetched"

"""The process that asks one machine's services (loadtest/inside), started, read and ended from here.

Beside a container it runs on the host, in the machine's network namespace; a VM gets the code by SSH and runs it itself.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

from loadtest.rig import Rig
from loadtest.samples import Sample
from provision import checks
from vm import processes
from vm.drivers import container

CHECKOUT = Path(__file__).resolve().parents[1]
SENT = "/run/watchpost-probes.zip"
SECRETS = {"monitor": ("redis",), "puppet": (), "fleet": ()}


def packed() -> bytes:
    """The code that runs in a VM, as Python can import it."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for path in (CHECKOUT / "loadtest/__init__.py", *sorted((CHECKOUT / "loadtest/inside").glob("*.py"))):
            archive.write(path, path.relative_to(CHECKOUT))
    return raw.getvalue()


class Channel:
    """Samples of one machine from `start` to `stop`; cpu_s is what asking cost, errors what could not be read."""

    def __init__(self, rig: Rig, kind: str) -> None:
        self.kind = kind
        self.cpu_s = 0.0
        self.errors: dict[str, str] = {}
        self._rig = rig
        self._came: list[Sample] = []
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = threading.Thread(target=self._read, name=f"probes of {kind}", daemon=True)

    def start(self) -> None:
        """Begin to ask; the first answers come within a second or two."""
        state = container.running(self._rig.lab, self.kind)
        if state:
            pid = state.leader.pid
            root, enter = f"/proc/{pid}/root", ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--wd=/", "--"]
            argv = ["nsenter", f"--net=/proc/{pid}/ns/net", "--", sys.executable, "-m", "loadtest.inside"]
        else:
            machine = self._rig.connect(self.kind)
            machine.write(SENT, packed(), mode="0600")
            machine.close()
            root, enter = "/", []
            argv = [*checks.ssh_argv(self._rig.lab, self.kind), "env", f"PYTHONPATH={SENT}", "python3", "-m", "loadtest.inside"]
        secrets = {name: self._rig.work.secrets.get(name) for name in SECRETS[self.kind]}
        order = {"machine": self.kind, "root": root, "enter": enter, "secrets": secrets}
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=CHECKOUT)
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self._reader.start()

    def take(self) -> list[Sample]:
        """What came since the last call."""
        with self._lock:
            came, self._came = self._came, []
        return came

    def stop(self) -> None:
        """End it: a process whose input ends goes by itself."""
        if self._process is None:
            return
        assert self._process.stdin
        self._process.stdin.close()
        processes.reap(self._process)
        self._reader.join(10)

    def _read(self) -> None:
        assert self._process and self._process.stdout
        for raw in self._process.stdout:
            line, now = json.loads(raw), time.time()
            with self._lock:
                self._came += [Sample(now, probe, metric, value, labels) for probe, metric, value, labels in line["readings"]]
                self.cpu_s = line["cpu_s"] + time.thread_time()
                self.errors |= line["errors"]

"""The lab's machines as the bench uses them: an environment of its own, made hosts in PuppetDB, runs of the monitor's agent.

Nothing of it touches what the monitor runs: the bench's agent has its own directories, and its files lie where no Icinga reads them.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml

from loadtest.collecting import once, population
from loadtest.collecting.once import Kind, Once, Way
from loadtest.inside._http import jvm
from provision import deployment, machines, puppet_run, puppet_server
from provision.lab_plan import CONTROL_REPO, ca_path
from provision.protocol import puppetdb
from provision.protocol.http import Request
from provision.ssh import Machine
from provision.transport import Server
from vm.errors import WatchpostError
from vm.lab import Lab
from vm.secret_store import SecretStore

HERE = Path(__file__).parent
ENVIRONMENT = "collecting"
ON_SERVER = f"/etc/puppet/code/environments/{ENVIRONMENT}"
PLACE = "/var/lib/watchpost-collecting"
UNITS = ("puppetserver.service", "puppetdb.service", "system-postgresql.slice")


class Machines:
    """Both machines, connected; `remove` leaves the lab as it was."""

    def __init__(self, lab: Lab) -> None:
        secrets = SecretStore(lab.secrets)
        self.lab = lab
        self.server = Server(lab.fqdn("puppet"), str(lab.address("puppet")), 8140, ca_path(lab))
        self.puppet: Machine = machines.connect(lab, "puppet", secrets)
        self.monitor: Machine = machines.connect(lab, "monitor", secrets)
        self._script = (HERE / "timed.py").read_text()
        self._made: list[str] = []

    def deploy(self) -> None:
        """The bench's environment: the control repository as it is, its manifest and one module more."""
        deployment.replace_directory(self.puppet, ON_SERVER, environment_archive(), "root", "0755")
        puppet_server.reload(self.puppet)
        for way in once.WAYS:
            self.monitor.run(["install", "-d", f"{PLACE}/{way}/hosts"])

    def populate(self, services: int, sizes: Sequence[int]) -> None:
        """Made hosts enough for all sizes, stored by PuppetDB. Raises WatchpostError when the lab has no host with that many services."""
        rows = puppet_server.query(self.puppet, 'resources { exported = true and tag = "monitoring" and type ~ "^Monitoring::Collected" }')
        model = population.template(rows, services)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        batch = f"{int(time.time()):x}"
        with puppet_server.database(self.puppet) as client:
            for number in range(1, max(sizes) + 1):
                payload = population.catalog(model, batch, number, sizes, self.lab.domain, now, self.lab.fqdn("puppet"))
                answer = client.send(puppetdb.command("replace_catalog", 9, payload["certname"], payload))
                if not answer.ok:
                    raise WatchpostError(f"PuppetDB took no catalog: HTTP {answer.status} {answer.text()[:300]}", "PuppetDB")
                self._made.append(payload["certname"])
        puppet_server.wait_stored(self.puppet, 180)

    def run(self, way: Way, kind: Kind, hosts: int, objects: int) -> Once:
        """One run of the agent. Raises WatchpostError when Puppet failed."""
        argv = ["env", f"FACTER_collecting_way={way}", f"FACTER_collecting_label={population.label(hosts)}"]
        argv += puppet_run.agent_argv(self.lab.fqdn("puppet"), self.lab.fqdn("monitor"), ENVIRONMENT)
        argv += [f"--vardir={PLACE}/puppet", "--ssldir=/var/lib/puppet/ssl", f"--publicdir={PLACE}/puppet/public"]
        argv += [f"--lastrunfile={PLACE}/puppet/summary.yaml"]
        before, log = self._used_s(), self._log_size()
        done = json.loads(self.monitor.run(["python3", "-", *argv], input=self._script, timeout_s=1800).stdout)
        if done["exit_code"] not in (0, 2):
            raise WatchpostError(f"the collecting run failed: {done['output'][-1500:]}", f"{way}, {objects} objects")
        self._quiet()
        used = {name: after - before[name] for name, after in self._used_s().items()}
        queries, query_s = once.answered(look(self.puppet, "tail", "-c", f"+{log + 1}", puppet_server.ACCESS_LOG))
        summary = yaml.safe_load(look(self.monitor, "cat", f"{PLACE}/puppet/summary.yaml"))
        compile_s, apply_s, other_s = once.parts(summary, done["seconds"])
        database_cpu_s = used["puppetdb.service"] + used["system-postgresql.slice"]
        return Once(
            way=way, kind=kind, hosts=hosts, objects=objects, seconds=done["seconds"], compile_s=compile_s, apply_s=apply_s, other_s=other_s,
            queries=queries, query_s=query_s, store_s=max(0.0, database_cpu_s - query_s), server_cpu_s=used["puppetserver.service"],
            database_cpu_s=database_cpu_s, agent_cpu_s=done["cpu_s"], resources=summary["resources"]["total"],
            changed=summary["resources"]["changed"], restarted=summary["resources"]["restarted"], exit_code=done["exit_code"],
        )  # fmt: skip

    def clear(self, way: Way) -> None:
        """No file of a way is there any more."""
        self.monitor.run(["rm", "-rf", f"{PLACE}/{way}/hosts"])
        self.monitor.run(["install", "-d", f"{PLACE}/{way}/hosts"])

    def remove(self) -> None:
        """Take away all that the bench made."""
        puppet_server.deactivate(self.puppet, self._made)
        self.puppet.run(["rm", "-rf", ON_SERVER])
        self.monitor.run(["rm", "-rf", PLACE])
        self.puppet.close()
        self.monitor.close()

    def _used_s(self) -> dict[str, float]:
        """CPU seconds of the machine puppet's units so far."""
        places = [f"/sys/fs/cgroup/system.slice/{unit}/cpu.stat" for unit in UNITS]
        lines = look(self.puppet, "grep", "-h", "usage_usec", *places).split()
        return {unit: int(value) / 1e6 for unit, value in zip(UNITS, lines[1::2], strict=True)}

    def used_s(self) -> float:
        """CPU seconds of both machines so far."""
        found = [look(machine, "grep", "usage_usec", "/sys/fs/cgroup/cpu.stat").split()[1] for machine in (self.puppet, self.monitor)]
        return sum(int(it) for it in found) / 1e6

    def heap(self) -> tuple[float, float]:
        """The Puppet server's Java heap in use (MiB), and the seconds its garbage collectors have worked."""
        with self.server.client() as client:
            found = client.send(Request("GET", "/status/v1/services?level=debug")).json()
        told = {name: value for name, value, _ in jvm(found)}
        return told["heap_used_mib"], told["gc_s"]

    def _log_size(self) -> int:
        return int(look(self.puppet, "stat", "-c", "%s", puppet_server.ACCESS_LOG))

    def _quiet(self) -> None:
        """Until PuppetDB has stored what it took. Its queue may be empty a moment before a command of the last second arrives."""
        time.sleep(0.3)
        puppet_server.wait_stored(self.puppet)


def look(machine: Machine, *argv: str) -> str:
    """What a command that only reads prints. Once more on a new connection if it fails: a cut of SSH need not end a long measurement."""
    try:
        return machine.run(argv).stdout
    except WatchpostError:
        return machine.run(argv).stdout


def environment_archive() -> bytes:
    """The bench's environment as a tar: the control repository's files, ours over them."""
    stream = io.BytesIO(deployment.code_archive(CONTROL_REPO))
    with tarfile.open(fileobj=stream, mode="a") as tar:
        overlay = HERE / "environment"
        for path in sorted(it for it in overlay.rglob("*") if it.is_file()):
            member = tarfile.TarInfo(str(path.relative_to(overlay)))
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                tar.addfile(member, content)
    return stream.getvalue()

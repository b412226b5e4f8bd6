"""The fleet's agents in one process: `python -m provision.pusher SPEC.json`, in the fleet's namespace.

SIGHUP: read the spec again; hosts that stay keep their connections. SIGTERM: end within two seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from provision.agent import Agent, Tally
from provision.plausible import fraction
from provision.pusher_spec import PushedHost, PusherSpec, PusherStatus
from vm.artefact import load, save
from vm.errors import BadInput, WatchpostError

STATUS_S = 5.0
GOODBYE_S = 0.5
CONNECTS_PER_S = 40  # handshakes cost the master CPU; a whole fleet must not arrive at once


def identity(host: PushedHost) -> tuple[object, ...]:
    """What cannot change without a new connection."""
    return host.address, host.key, host.certificate


class Pusher:
    """Keeps one agent for each host of the spec."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.spec = load(PusherSpec, path)
        self.tally = Tally()
        self.agents: dict[str, Agent] = {}
        self._stopping = asyncio.Event()

    def apply(self, spec: PusherSpec) -> None:
        """Make the agents fit the spec: new ones connect, missing ones leave, the others stay connected."""
        master = (spec.master_address, spec.master_port, spec.endpoint, spec.ca)
        moved = master != (self.spec.master_address, self.spec.master_port, self.spec.endpoint, self.spec.ca)
        wanted = {host.certname: host for host in spec.hosts}
        for name, agent in list(self.agents.items()):
            if moved or name not in wanted or identity(wanted[name]) != identity(agent.host):
                self.agents.pop(name).stop()
            else:
                agent.update(spec, wanted[name])
        self.spec = spec
        new = [host for host in spec.hosts if host.certname not in self.agents]
        for host in new:
            agent = self.agents[host.certname] = Agent(spec, host, self.tally)
            agent.start(fraction(spec.seed, f"connect!{host.certname}") * len(new) / CONNECTS_PER_S)

    def reload(self) -> None:
        """Read the spec file again; a bad one changes nothing and is reported in the status."""
        try:
            self.apply(load(PusherSpec, self._path))
        except BadInput as error:
            self.tally.last_error = f"spec not taken: {error.what}"
            print(error, file=sys.stderr, flush=True)
        self.report()

    def report(self) -> None:
        """Write the status record."""
        tally = self.tally
        status = PusherStatus(
            pid=os.getpid(),
            written_at=time.time(),
            hosts=len(self.agents),
            connected=sum(agent.connected for agent in self.agents.values()),
            sent=tally.sent,
            missed=tally.missed,
            reconnects=tally.reconnects,
            lateness_p50_s=round(tally.lateness_s(0.5), 6),
            lateness_p99_s=round(tally.lateness_s(0.99), 6),
            cpu_s=round(time.process_time(), 3),
            last_error=tally.last_error[:500],
        )
        try:
            save(status, self.spec.status)
        except OSError as error:  # a full disk must not end the agents
            print(f"status not written: {error}", file=sys.stderr, flush=True)

    async def run(self) -> None:
        """Push until a signal ends it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        self.apply(self.spec)
        while not self._stopping.is_set():
            self.report()
            try:
                await asyncio.wait_for(self._stopping.wait(), STATUS_S)
            except TimeoutError:
                continue
        leaving = list(self.agents.values())
        self.agents.clear()
        for agent in leaving:
            agent.stop()
        end = loop.time() + GOODBYE_S
        while loop.time() < end and any(agent.open for agent in leaving):
            await asyncio.sleep(0.05)
        for agent in leaving:
            agent.abort()
        self.report()


async def _serve(path: Path) -> None:
    await Pusher(path).run()


def main(argv: Sequence[str] = tuple(sys.argv[1:])) -> int:
    """Run until SIGTERM. Exit code 2 for a spec that cannot be used."""
    if len(argv) != 1:
        print("usage: python -m provision.pusher SPEC.json", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(Path(argv[0])))
    except WatchpostError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

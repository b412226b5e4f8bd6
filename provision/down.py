"""Take a lab down: everything it owns and nothing else, also after a crash at any point."""

from __future__ import annotations

import shutil

from provision import daemon, pushing
from vm.drivers import DRIVERS, driver, hypervisor
from vm.lab import KINDS, Lab
from vm.progress import Stages


def destroy(lab: Lab, stages: Stages) -> None:
    """End processes, machines and network of a lab, then remove its directory."""
    if not lab.directory.exists():
        return
    with stages.stage("agents"):
        daemon.stop(pushing.process(lab))
    with stages.stage("machines"):
        hypervisor.wake(lab)
        for kind in KINDS:
            for name in DRIVERS:
                driver(name).destroy(lab, kind)
    with stages.stage("network"):
        hypervisor.destroy_network(lab)
        hypervisor.stop_daemons()
    with stages.stage("files"):
        shutil.rmtree(lab.directory)

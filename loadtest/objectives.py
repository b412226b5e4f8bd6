"""The default objectives, in one place; a scenario names those that it can judge. Sources: docs/explanation/sizing-model.md."""

from __future__ import annotations

from loadtest.objective import Objective
from provision.protocol.agent_session import RECONNECT_S

GOODPUT = Objective(name="results arrive", metric="goodput_ratio", bound="at least", target=0.999, resource="cpu")
LATENESS = Objective(name="results are in time", metric="lateness_p99_s", bound="at most", target=5, resource="cpu")
TO_DATABASE = Objective(name="states reach the database", metric="to_database_p99_s", bound="at most", target=5, resource="cpu")
COLLECTING = Objective(name="the collecting Puppet run is short", metric="collect_s", bound="at most", target=30, resource="cpu")
UNDISTURBED = Objective(name="no result is late while Puppet collects", metric="lateness_max_s", bound="at most", target=5, resource="cpu")
PAGES = Objective(name="the web answers", metric="page_p95_s", bound="at most", target=1, resource="cpu")
PAGES_GOOD = Objective(name="pages are whole", metric="page_failed_ratio", bound="at most", target=0, resource="any")
RUNS_GOOD = Objective(name="Puppet runs succeed", metric="puppet_failed_ratio", bound="at most", target=0, resource="any")
BLIND = Objective(name="a reload blinds for a moment only", metric="blind_s", bound="at most", target=10, resource="cpu")
HOST_BLIND = Objective(name="no host stays unseen after a reload", metric="host_blind_s", bound="at most", target=10 + RECONNECT_S, resource="any")
"""An agent looks every RECONNECT_S for a lost connection, whatever the machine does: that much is its own."""
ADDED = Objective(name="the new host is there", metric="adding_run_changed", bound="at least", target=1)
NO_OOM = Objective(name="nothing is killed for want of memory", metric="oom_kills", bound="at most", target=0, resource="memory")
PRESSURE = Objective(name="memory is enough", metric="memory_pressure_full_ratio", bound="at most", target=0.01, resource="memory")
MAILS = Objective(name="mails are on their way in time", metric="mail_late_ratio", bound="at most", target=0.01, resource="cpu")
"""Of those that were written meanwhile: late is what the smarthost did not accept within MAIL_S."""
MAIL_S = 60.0
NO_LEAK = Objective(name="memory does not grow for ever", metric="memory_surely_grows_mib_per_h", bound="at most", target=1, resource="memory")
"""The lower end of the slope's interval, so that noise is no growth. At 1 MiB an hour a month of growth is 720 MiB: more than the least machine has to spare."""
RECOVERED = Objective(name="all is live again after an outage", metric="recovery_s", bound="at most", target=120, resource="any")
RESTORED = Objective(name="every service is good again after an outage", metric="not_good_again", bound="at most", target=0, resource="any")

ALWAYS = (NO_OOM, PRESSURE)
"""What every scenario demands."""

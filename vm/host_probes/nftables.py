"""nftables with random numbers: loses a share of packets for fault tests. Tried in a namespace of its own."""

from __future__ import annotations

from vm.command import run
from vm.errors import WatchpostError
from vm.finding import Finding, Question

RULES = """table inet watchpost_probe {
  chain loss {
    type filter hook input priority 0; policy accept;
    numgen random mod 100 < 5 drop
  }
}
"""


def probe(question: Question) -> Finding:
    """Load a rule set that drops five of a hundred."""
    try:
        tried = run(["unshare", "--net", "nft", "-f", "-"], input=RULES, timeout_s=20, check=False)
    except WatchpostError as error:
        return Finding(name="nftables", level="missing", detail=error.what, remedy=error.todo or "run ./bootstrap")
    if tried.returncode != 0:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[0]
        return Finding(
            name="nftables",
            level="missing",
            detail=f"no random loss: {reason[:200]}",
            remedy="run as root, with the package nftables, on a kernel with nft_numgen",
        )
    return Finding(name="nftables", level="OK", detail="loss and cuts by numgen random")

"""What the monitor's packages take on disk, as dpkg has it (they lie in the image, not on the machine's own disk), and when they last changed."""

from __future__ import annotations

from collections.abc import Iterator

from loadtest.inside import Place, Reading

MACHINE = "monitor"
TURNS = 600


def installed_kib(status: str) -> int:
    """The sum of Installed-Size of every installed package. Pure."""
    total = 0
    for paragraph in status.split("\n\n"):
        if "\nStatus: install ok installed\n" in f"\n{paragraph}\n":
            total += sum(int(line.split()[1]) for line in paragraph.splitlines() if line.startswith("Installed-Size:"))
    return total


class Probe:
    """Reads dpkg's status file now and then."""

    def __init__(self, place: Place) -> None:
        self._status = place.root / "var/lib/dpkg/status"

    def read(self, turn: int) -> Iterator[Reading]:
        """The time of the last change, and now and then the size."""
        yield "changed_at_s", self._status.stat().st_mtime, ""
        if turn % TURNS == 0:
            yield "disk_mib", installed_kib(self._status.read_text(errors="replace")) / 1024, "owner=packages"

"""Usage: python3 -m notifier SETTINGS STATE

SETTINGS is a JSON file: `people` (name: address), `site` (name, sender, web), `limits`, `server` (host and port of the mail server).
STATE is where what is still to be sent is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from notifier.daemon import Notifier, inherited
from notifier.letters import Site
from notifier.limits import Limits


def main(words: list[str]) -> int:
    """Run until ended."""
    if len(words) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    settings = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    host, port = settings["server"]
    made = Notifier(Path(words[1]), settings["people"], Site(**settings["site"]), Limits(**settings["limits"]), (host, port))
    made.serve(inherited())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

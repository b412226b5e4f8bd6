"""Runs on the monitor: a command, its wall-clock and its CPU seconds as one line of JSON. Standard library only; the harness sends it there."""

import json
import resource
import subprocess
import sys
import time

began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime, "exit_code": done.returncode, "output": done.stdout[-4000:]}))

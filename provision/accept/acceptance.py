"""A whole run of `accept`: list, operator's file, tests, matrix."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from provision import checks, options
from provision.accept import operator as operators
from provision.accept import requirements, tests
from provision.accept.matrix import Matrix, matrix
from vm import lab as labs
from vm.command import run


def accept(checkout: Path, *, lab: str, keyword: str, keep: bool, operator: str, out: Path) -> Matrix:
    """Run the tests and say what they show. lab: a running one to use; by default a lab of their own, which `keep` leaves running. out: directory for the pictures that tests make."""
    checks.root("invoke accept")
    listed = requirements.read()
    said = operators.read(Path(operator), listed) if operator else operators.Operator()
    if lab:
        options.read(labs.of_name(lab))
    if keep:
        os.environ["WATCHPOST_KEEP_LAB"] = "1"
    found = tests.run(checkout, lab, keyword, out)
    revision = run(["git", "-C", checkout, "describe", "--always", "--dirty"], check=False).stdout.strip() or "no revision"
    where = f"the running lab {lab}" if lab else "a lab made for this"
    ran_on = f"Revision {revision}, on {where}, {os.cpu_count()} cores." + (f" Only tests that match `-k {keyword}` were asked for." if keyword else "")
    return matrix(listed, found, said, datetime.datetime.now(datetime.UTC).date(), ran_on, partly=bool(keyword))

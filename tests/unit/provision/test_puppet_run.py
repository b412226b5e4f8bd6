"""A Puppet run: its exit code judged, its summary read, Puppet's own words in what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from provision.puppet_run import SUMMARY, PuppetRun, agent_argv, read_summary, run_puppet
from provision.ssh import Machine
from vm.command import Result
from vm.errors import WatchpostError

TEXT = """---
version:
  config: 1700000000
  puppet: 8.10.0
resources:
  changed: 7
  failed: 2
  failed_to_restart: 1
  total: 250
time:
  config_retrieval: 3.14159
  total: 20.5
"""


class Double:
    """A machine that answers Puppet's command and the reading of the summary."""

    name = "monitor.lab.test"

    def __init__(self, returncode: int, *, output: str = "", summary: str | None = TEXT) -> None:
        self.returncode = returncode
        self.output = output
        self.summary = summary
        self.seen: list[list[str]] = []

    def run(self, argv: Sequence[str | Path], *, check: bool = True, timeout_s: float = 600) -> Result:
        """Answer; a failing command is returned only to who asked not to check."""
        self.seen.append([str(word) for word in argv])
        if argv[0] == "cat":
            found = Result(("cat",), 0, self.summary, "") if self.summary is not None else Result(("cat",), 1, "", "no such file")
        else:
            found = Result(("puppet",), self.returncode, "Info: begins\n", self.output)
        assert found.returncode == 0 or not check
        return found


def run_on(double: Double) -> PuppetRun:
    """A run on a machine's double."""
    return run_puppet(cast(Machine, double), ["puppet", "agent", "--onetime"])


def test_a_summary_is_read() -> None:
    assert read_summary(TEXT) == (250, 7, 3, 3.14159)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (0, 0, 0, 0.0)),
        ("---\n", (0, 0, 0, 0.0)),
        ("version: {puppet: 8.10.0}", (0, 0, 0, 0.0)),
        ("resources: {total: 5}", (5, 0, 0, 0.0)),
        ("resources: {failed_to_restart: 2}", (0, 0, 2, 0.0)),
        ("time: {config_retrieval: 2}", (0, 0, 0, 2.0)),
        ("resources: {}\ntime: {}", (0, 0, 0, 0.0)),
    ],
)
def test_what_a_summary_lacks_counts_as_nothing(text: str, found: tuple[int, int, int, float]) -> None:
    assert read_summary(text) == found


@pytest.mark.parametrize("code", [0, 2])
def test_a_run_that_succeeds_is_recorded(code: int) -> None:
    double = Double(code)
    run = run_on(double)
    assert (run.exit_code, run.resources, run.changed, run.failed, run.compile_s) == (code, 250, 7, 3, 3.14)
    assert run.seconds >= 0
    assert double.seen == [["puppet", "agent", "--onetime"], ["cat", SUMMARY]]


def test_a_run_without_summary_is_recorded_with_nothing_counted() -> None:
    run = run_on(Double(0, summary=None))
    assert (run.resources, run.changed, run.failed, run.compile_s) == (0, 0, 0, 0.0)


@pytest.mark.parametrize("code", [1, 4, 6, 124, 255])
def test_a_run_that_fails_is_told_in_puppets_words(code: int) -> None:
    double = Double(code, output="Error: one\nNotice: two\nError: three\n")
    with pytest.raises(WatchpostError) as error:
        run_on(double)
    assert "Puppet failed on monitor.lab.test" in error.value.what
    assert error.value.what.endswith("Error: one / Error: three")
    assert error.value.where == "puppet agent on monitor.lab.test"
    assert double.seen == [["puppet", "agent", "--onetime"]], "an old summary is not taken for this run's"


def test_a_run_whose_wait_for_a_lock_was_cut_short_is_begun_again() -> None:
    lost = "Error: Could not run: Execution of 'ps -eq 124 -o args=' returned 1: \n"

    class Passing(Double):
        def run(self, argv: Sequence[str | Path], *, check: bool = True, timeout_s: float = 600) -> Result:
            found = super().run(argv, check=check, timeout_s=timeout_s)
            self.returncode, self.output = 2, ""
            return found

    double = Passing(1, output=lost)
    assert run_on(double).exit_code == 2
    assert [argv[0] for argv in double.seen] == ["puppet", "puppet", "cat"]
    for_ever = Double(1, output=lost)
    with pytest.raises(WatchpostError, match="ps -eq"):
        run_on(for_ever)
    assert len(for_ever.seen) == 3


def test_a_run_that_fails_without_an_error_line_is_told_with_its_last_line() -> None:
    with pytest.raises(WatchpostError, match="Killed"):
        run_on(Double(137, output="Notice: two\nKilled\n"))


def test_an_agent_runs_once_and_uses_no_old_catalog() -> None:
    argv = agent_argv("puppet.lab.test", "monitor.lab.test")
    assert argv[:2] == ["puppet", "agent"]
    assert {"--onetime", "--no-daemonize", "--detailed-exitcodes", "--no-usecacheonfailure"} <= set(argv)
    assert {"--server=puppet.lab.test", "--certname=monitor.lab.test"} <= set(argv)


@pytest.mark.parametrize("code", [124, 137])
def test_a_run_that_is_cut_is_a_run_and_no_error(code: int) -> None:
    double = Double(code)
    done = run_puppet(cast(Machine, double), ["puppet", "agent"], cut_s=120)
    assert (done.exit_code, done.changed, done.resources) == (124, 0, 0)
    assert double.seen == [["timeout", "--kill-after=10", "120", "puppet", "agent"]], "the summary is that of the run before"


@pytest.mark.parametrize("code", [124, 137])
def test_such_an_exit_code_of_a_run_that_nobody_cuts_is_an_error(code: int) -> None:
    with pytest.raises(WatchpostError, match="Puppet failed"):
        run_on(Double(code))

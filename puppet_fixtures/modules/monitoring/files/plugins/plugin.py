"""What the site's own plugins share: states, one clean line of output, performance data, a deadline, checked arguments.

A plugin's output comes from machines that nobody trusts and ends in mails and web pages: control characters never leave here, `|` (which
begins performance data) neither, and length has a limit. A plugin always ends with one of the four states, whatever happens inside.
"""

import argparse
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
MAX_OUTPUT = 2000

HOST = re.compile(r"\A(?!-)[A-Za-z0-9.:-]{1,253}\Z")
USER = re.compile(r"\A[a-z_][a-z0-9_-]{0,31}\Z")
PATH = re.compile(r"\A/[A-Za-z0-9_./-]{0,500}\Z")


class Problem(Exception):
    """The check's answer is known and is not good: ends the plugin with a state."""

    def __init__(self, state: int, text: str) -> None:
        super().__init__(text)
        self.state = state


class Deadline(BaseException):
    """Not an Exception: no handler of a library may swallow it."""


def clean(text: object) -> str:
    """One printable line."""
    flat = " ".join(str(text).split())
    printable = "".join(letter if letter.isprintable() and letter != "|" else "?" for letter in flat)
    return printable[:MAX_OUTPUT]


def finish(state: int, text: object, perfdata: Sequence[str] = ()) -> NoReturn:
    """Say it and end. There is an answer, so that the deadline is off: it would end Python's own shutdown, by a signal and without a state."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    line = f"{NAMES[state]}: {clean(text)}"
    if perfdata:
        line += " | " + " ".join(perfdata)
    sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()
    sys.exit(state)


def metric(name: str, value: float, unit: str = "", warning: object = "", critical: object = "") -> str:
    """One value of performance data."""
    shown = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f"{name}={shown}{unit};{warning};{critical}"


def main(check: Callable[[argparse.Namespace], NoReturn], parser: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> NoReturn:
    """Parse arguments, run the check before its deadline, and turn every way out into a state."""
    parser.add_argument("-t", "--timeout", type=seconds, default=30, help="seconds until the plugin gives up (default 30)")
    parser.exit_on_error = True
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ending:
        # argparse ends with 2 for wrong arguments, which would read as CRITICAL.
        sys.exit(UNKNOWN if ending.code else OK)
    signal.signal(signal.SIGALRM, _expired)
    signal.setitimer(signal.ITIMER_REAL, arguments.timeout)
    try:
        check(arguments)
    except Deadline:
        finish(CRITICAL, f"no answer within {arguments.timeout} s")
    except Problem as problem:
        finish(problem.state, problem)
    except Exception as error:  # a plugin never ends with a stack trace: its last line is all that people see
        finish(UNKNOWN, f"{type(error).__name__}: {error}")
    finish(UNKNOWN, "the plugin came to no result")


def _expired(*_: object) -> NoReturn:
    raise Deadline


def seconds(text: str) -> int:
    """An argument: a whole number of seconds, 1 to 600."""
    return bounded(text, 1, 600)


def bounded(text: str, low: int, high: int) -> int:
    """An argument: a whole number from low to high."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{value} is not from {low} to {high}")
    return value


def count(text: str) -> int:
    """An argument: a whole number that is not negative."""
    return bounded(text, 0, 2**40)


def port(text: str) -> int:
    """An argument: a port."""
    return bounded(text, 1, 65535)


def matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    """An argument of a shape; it can then never be taken for an option by a program that it is passed to."""

    def convert(text: str) -> str:
        if not pattern.match(text):
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
        return text

    return convert


def regex(text: str) -> re.Pattern[str]:
    """An argument: a regular expression."""
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


host = matching(HOST, "host name or address")
user = matching(USER, "account name")
path = matching(PATH, "absolute path")

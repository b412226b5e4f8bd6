"""What the status proposes can be typed as it stands, and its reference has every key."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from provision import status
from provision.status import Status

REFERENCE = Path(__file__).resolve().parents[3] / "docs/reference/status.md"
SAMPLE = json.loads(REFERENCE.read_text().split("```json")[1].split("```")[0])


def with_hosts(count: int, **machines: bool) -> Status:
    return Status.model_validate(SAMPLE | {"hosts": {"up": count, "down": 0, "unreachable": 0, "pending": 0}, "machines": {"monitor": True, **machines}})


@pytest.mark.parametrize(("count", "words"), [(20, "simulate --hosts 50"), (50, "simulate --hosts 75"), (190, "simulate --hosts 200"), (200, "open")])
def test_what_comes_next_grows_the_lab_there_is(count: int, words: str) -> None:
    assert status.following(with_hosts(count, puppet=True)) == (words, "destroy")


def test_a_lab_without_hosts_of_its_own_is_not_told_to_grow() -> None:
    assert status.following(with_hosts(3)) == ("open", "destroy")


@pytest.mark.parametrize("flag", ["", " --lab other"])
def test_commands_name_the_lab(flag: str) -> None:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(status.table(with_hosts(20, puppet=True), flag))
    commands = re.findall(r"invoke [a-z].*?(?=  |`|$)", console.export_text(), re.M)
    assert [command.strip() for command in commands] == [f"invoke {words}{flag}" for words in ("status --secrets", "console", "simulate --hosts 50", "destroy")]


def test_the_reference_has_every_key() -> None:
    text = REFERENCE.read_text()
    assert set(SAMPLE) == set(Status.model_fields) and set(SAMPLE["collect"]) == set(status.Collect.model_fields)
    for key in (*Status.model_fields, *status.Collect.model_fields):
        assert f"\n| `{key}` |" in text, key

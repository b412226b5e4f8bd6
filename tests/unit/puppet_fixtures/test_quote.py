"""The one helper that quotes: whatever the value, it stays one literal and reads back as it was.

The reader here is strict and small: Icinga's literals as its lexer defines them, and nothing more. What it does not know fails.
"""

from __future__ import annotations

import json
import re
import string
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puppet_fixtures.compiling import CONTROL_REPO as FIXTURES

RUBY = """
require 'json'
require 'puppet'
Puppet.initialize_settings(['--confdir', ARGV[0], '--vardir', ARGV[0]])
loaders = Puppet::Pops::Loaders.new(Puppet::Node::Environment.create(:test, [ARGV[1]]))
Puppet.override({ loaders: loaders }, 'quote') do
  quote = loaders.private_environment_loader.load(:function, 'monitoring::quote')
  $stdin.each_line do |line|
    begin
      answer = { 'text' => quote.call({}, JSON.parse(line, max_nesting: 200)[0]) }
    rescue ArgumentError => e
      answer = { 'error' => e.message }
    end
    puts JSON.generate(answer)
    $stdout.flush
  end
end
"""


class Quoter:
    """One Ruby process that answers a line for a line."""

    def __init__(self, directory: str) -> None:
        self.process = subprocess.Popen(
            ["/usr/bin/ruby", "-e", RUBY, directory, str(FIXTURES / "modules")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, value: Any) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([value]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return str(answer["text"])


@pytest.fixture(scope="module")
def quote() -> Any:
    with TemporaryDirectory() as directory:
        quoter = Quoter(directory)
        yield quoter
        quoter.process.communicate(timeout=10)
        assert quoter.process.returncode == 0


class Reader:
    """Reads one literal; raises ValueError on anything else."""

    NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def whole(self) -> Any:
        value = self.value()
        if self.at != len(self.text):
            raise ValueError(f"more than one literal: {self.text[self.at :]!r}")
        return value

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def value(self) -> Any:
        for word, meaning in (("null", None), ("true", True), ("false", False)):
            if self.take(word):
                return meaning
        if self.take("[ ]"):
            return []
        if self.take("[ "):
            items = [self.value()]
            while self.take(", "):
                items.append(self.value())
            self.expect(" ]")
            return items
        if self.take("{ }"):
            return {}
        if self.take("{ "):
            pairs = [self.pair()]
            while self.take("; "):
                pairs.append(self.pair())
            self.expect(" }")
            return dict(pairs)
        if self.text.startswith('"', self.at):
            return self.string()
        found = self.NUMBER.match(self.text, self.at)
        if not found:
            raise ValueError(f"no literal: {self.text[self.at :]!r}")
        self.at = found.end()
        return float(found[0]) if "." in found[0] else int(found[0])

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise ValueError(f"expected {token!r}: {self.text[self.at :]!r}")

    def pair(self) -> tuple[str, Any]:
        key = self.string()
        self.expect(" = ")
        return key, self.value()

    def string(self) -> str:
        self.expect('"')
        data = bytearray()
        while not self.take('"'):
            letter = self.text[self.at]
            self.at += 1
            if letter == "\\":
                escape = self.text[self.at]
                if escape in "01234567":
                    digits = self.text[self.at : self.at + 3]
                    if not re.fullmatch(r"[0-3][0-7]{2}", digits):
                        raise ValueError(f"bad octal escape {digits!r}")
                    data.append(int(digits, 8))
                    self.at += 3
                else:
                    data += {'"': b'"', "\\": b"\\", "n": b"\n", "t": b"\t", "r": b"\r"}[escape]
                    self.at += 1
            elif not letter.isprintable() and ord(letter) < 0xA0:
                raise ValueError(f"a control character: {letter!r}")
            else:
                data += letter.encode()
        return data.decode()


def expected(value: Any) -> Any:
    """What Icinga should have at check time: `$$` is one `$` again, NUL is replaced."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").replace("$", "$$")
    if isinstance(value, list):
        return [expected(item) for item in value]
    if isinstance(value, dict):
        return {expected(key): expected(item) for key, item in value.items()}
    return value


HOSTILE = ['"', '"\n}\nobject CheckCommand "x" {', "\\", '\\"', "$host.name$", "{{ }}", "-:x", "}}}", "\0", "\x1b[2J", "\u202e", "\u2028", "//", "/*", "\x7f", "\r\n"]
# Surrogates are no text; JSON could not carry them to Ruby.
texts = st.one_of(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(HOSTILE), st.text(alphabet=string.punctuation + "\n\0 "))
numbers = st.integers(min_value=-(2**53), max_value=2**53)
values = st.recursive(st.one_of(st.none(), st.booleans(), numbers, texts), lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)), max_leaves=12)


def depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((depth(child) for child in children), default=0)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values.filter(lambda value: depth(value) < 8))
def test_any_value_reads_back_as_it_was(quote: Quoter, value: Any) -> None:
    text = quote(value)
    assert "\n" not in text
    assert Reader(text).whole() == expected(value)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_one_string(quote: Quoter, value: str) -> None:
    assert Reader(quote(value)).whole() == expected(value)
    # No odd dollar is left that could begin a runtime macro.
    assert all(len(run) % 2 == 0 for run in re.findall(r"\$+", quote(value)))


def test_the_reader_would_see_an_injection() -> None:
    naive = '"' + '"\n}\nobject CheckCommand "x" {' + '"'
    with pytest.raises(ValueError, match="more than one literal"):
        Reader(naive).whole()


@pytest.mark.parametrize(("value", "text"), [(1.5, "1.5"), (-2, "-2"), (1e-7, "0.0000001"), (3.0, "3.0"), ([1, [2]], "[ 1, [ 2 ] ]"), ({}, "{ }")])
def test_numbers_and_containers_have_one_form(quote: Quoter, value: Any, text: str) -> None:
    assert quote(value) == text


@pytest.mark.parametrize("value", [2**53 + 1, 1e300, "x" * 20000, [[[[[[[[[[1]]]]]]]]]]], ids=["large integer", "large number", "long text", "deep"])
def test_what_has_no_safe_literal_is_refused(quote: Quoter, value: Any) -> None:
    with pytest.raises(ValueError, match="monitoring::quote"):
        quote(value)


def test_hidden_characters_show(quote: Quoter) -> None:
    assert quote("a\u202eb") == '"a\\342\\200\\256b"'


def test_quoter_is_the_one_place_that_quotes() -> None:
    """The renderers write no value between quotation marks themselves: only names that the program itself chose."""
    for path in Path(FIXTURES / "modules/monitoring/lib").rglob("render*.rb"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r'\\"#\{', line), f"{path.name}: {line}"

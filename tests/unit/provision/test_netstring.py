"""Framing: whatever pieces a stream arrives in, the same messages come out; bad bytes are named, and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.protocol.netstring import Decoder, NetstringError, encode


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 400), max_size=30))
def test_any_cut_gives_the_same_messages(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(encode(payload) for payload in payloads)
    decoder, found = Decoder(), []
    for cut in cuts:
        found += decoder.feed(stream[:cut])
        stream = stream[cut:]
    assert found + decoder.feed(stream) == payloads
    assert decoder.buffered_bytes == 0


@given(st.binary(max_size=60), st.integers(1, 60))
def test_any_bytes_end_in_the_same_way_however_they_are_cut(data: bytes, cut: int) -> None:
    def read(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        decoder, found = Decoder(40), []
        for piece in pieces:
            try:
                found += decoder.feed(piece)
            except NetstringError:
                return found, True
        assert decoder.buffered_bytes <= 40 + len("40:,")
        return found, False

    assert read([data])[1] == read([data[:cut], data[cut:]])[1] == read([bytes([byte]) for byte in data])[1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b":x,", "no length"),
        (b"05:hello,", "leading zero"),
        (b"x", "begin with its length"),
        (b"-1:,", "begin with its length"),
        (b"3:abcd", "comma"),
        (b"1234567890", "more than 9 digits"),
        (b"2000:", "exceeds the limit of 1000"),
        (b"2000", "exceeds the limit of 1000"),
    ],
)
def test_bad_bytes_are_named_and_end_the_stream(data: bytes, words: str) -> None:
    decoder = Decoder(max_bytes=1000)
    assert decoder.feed(encode(b"good")) == [b"good"]
    with pytest.raises(NetstringError, match=words):
        decoder.feed(data)
    with pytest.raises(NetstringError, match=words):
        decoder.feed(encode(b"good again"))


def test_the_limit_itself_is_allowed() -> None:
    assert Decoder(max_bytes=1000).feed(encode(b"x" * 1000)) == [b"x" * 1000]

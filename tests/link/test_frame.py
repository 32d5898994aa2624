"""Frames in Python, against the vectors that the C codec reads too."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import FrameError
from edgekit.link.frame import MAX_BODY_BYTES, FrameReader, decode, encode

VECTORS = [
    line.split()
    for line in (Path(__file__).parents[1] / "vectors" / "frames.txt").read_text().splitlines()
    if line and not line.startswith("#")
]

bodies = st.binary(min_size=8, max_size=600)


@pytest.mark.parametrize("vector", [v for v in VECTORS if v[0] == "good"], ids=lambda v: v[1])
def test_a_good_vector_goes_both_ways(vector: list[str]):
    body, wire = map(bytes.fromhex, vector[2:])
    assert encode(body) == wire
    assert decode(wire[1:-1]) == body


@pytest.mark.parametrize("vector", [v for v in VECTORS if v[0] == "bad"], ids=lambda v: v[1])
def test_a_bad_vector_is_refused(vector: list[str]):
    with pytest.raises(FrameError):
        decode(bytes.fromhex(vector[2])[1:-1])


def test_there_are_vectors_of_both_kinds():
    assert {v[0] for v in VECTORS} == {"good", "bad"} and len(VECTORS) > 20


@settings(deadline=None)
@given(bodies)
def test_a_frame_has_zeros_only_around_it(body: bytes):
    wire = encode(body)
    assert wire[0] == wire[-1] == 0 and 0 not in wire[1:-1]
    assert decode(wire[1:-1]) == body


@settings(deadline=None)
@given(bodies, st.data())
def test_a_frame_cut_at_any_byte_is_refused(body: bytes, data):
    encoded = encode(body)[1:-1]
    with pytest.raises(FrameError):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@settings(deadline=None)
@given(bodies, st.data())
def test_a_flipped_bit_is_refused(body: bytes, data):
    encoded = bytearray(encode(body)[1:-1])
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FrameError):
        decode(bytes(encoded))


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), bodies.map(encode)), max_size=8), st.data())
def test_it_does_not_matter_how_a_stream_is_cut_into_reads(parts: list[bytes], data):
    stream = b"".join(parts)
    whole, pieces = FrameReader(), FrameReader()
    at_once = whole.feed(stream)
    in_pieces, rest = [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        in_pieces += pieces.feed(rest[:size])
        rest = rest[size:]
    assert [str(e) for e in at_once] == [str(e) for e in in_pieces]
    assert whole.text == pieces.text


def test_text_between_frames_is_kept_apart():
    reader = FrameReader()
    events = reader.feed(
        b"boot: hello\r\n" + encode(b"a body!!") + b"m-ready" + encode(b"another!")
    )
    assert events == [b"a body!!", b"another!"]
    assert reader.text == b"boot: hello\r\nm-ready"


def test_only_the_end_of_the_text_is_kept():
    reader = FrameReader()
    for i in range(1000):
        reader.feed(b"%04d" % i)
    assert reader.text == b"".join(b"%04d" % i for i in range(936, 1000))


def test_after_a_damaged_frame_the_next_is_read():
    reader = FrameReader()
    damaged, good = reader.feed(encode(b"a body!!")[:-3] + encode(b"another!"))
    assert isinstance(damaged, FrameError)
    assert good == b"another!"


def test_an_endless_frame_takes_no_endless_memory():
    reader = FrameReader()
    dice = random.Random(1)
    reader.feed(b"\0")
    for _ in range(100):
        assert reader.feed(bytes(dice.choices(range(1, 256), k=4096))) == []
    assert len(reader._encoded) < MAX_BODY_BYTES * 1.01 + 8
    (event,) = reader.feed(b"\0")
    assert isinstance(event, FrameError)

"""The C frame codec against the vectors, and against Python's; its integer floats against Python's
own."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from edgekit.link import frame

Codec = Callable[[list[str]], list[str]]

VECTORS = [
    line.split()
    for line in (Path(__file__).parents[1] / "vectors" / "frames.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
GOOD = [
    (name, body, wire) for kind, name, body, *rest in VECTORS if kind == "good" for wire in rest
]
BAD = [(name, wire) for kind, name, wire, *_ in VECTORS if kind == "bad"]


def bits(value: float) -> int:
    return int.from_bytes(struct.pack("<f", value), "little")


def test_good_vectors_encode_and_decode_in_c(codec: Codec):
    encoded = codec([f"encode {body}" for _, body, _ in GOOD])
    decoded = codec([f"decode {wire}" for _, _, wire in GOOD])
    assert encoded == [wire for _, _, wire in GOOD]
    assert decoded == [f"whole {body}" for _, body, _ in GOOD]


def test_bad_vectors_are_found_damaged_in_c(codec: Codec):
    assert codec([f"decode {wire}" for _, wire in BAD]) == ["damaged"] * len(BAD)


def test_c_and_python_encode_random_bodies_alike(codec: Codec):
    dice = random.Random(5)
    bodies = [
        bytes(dice.choices(range(256), weights=[dice.randrange(1, 200), *[1] * 255], k=size))
        for size in (dice.randrange(8, 1033) for _ in range(200))
    ]
    assert codec([f"encode {b.hex()}" for b in bodies]) == [frame.encode(b).hex() for b in bodies]


def test_crc_32_is_zlibs_and_may_be_fed_in_parts(codec: Codec):
    dice = random.Random(6)
    texts = [dice.randbytes(dice.randrange(1, 300)) for _ in range(50)]
    assert codec([f"crc {t.hex()}" for t in texts]) == [str(zlib.crc32(t)) for t in texts]


def test_a_frame_longer_than_the_buffer_is_damaged_and_the_next_one_is_read(codec: Codec):
    long, next_one = frame.encode(bytes(1100)), frame.encode(b"next one")
    assert codec([f"decode {(long + next_one).hex()}"]) == [f"damaged whole {b'next one'.hex()}"]


def test_after_a_frame_without_its_end_the_next_is_read(codec: Codec):
    cut, good = frame.encode(b"a body!!")[:-3], frame.encode(b"another!")
    assert codec([f"decode {(cut + good).hex()}"]) == [f"damaged whole {b'another!'.hex()}"]


def test_a_lost_zero_costs_one_frame_only(codec: Codec):
    first, second, third = (frame.encode(b"frame no" + bytes([i])) for i in range(3))
    last_zero_lost = first[:-1] + second + third
    wholes = codec([f"decode {last_zero_lost.hex()}"])[0].split("whole ")[1:]
    assert [bytes.fromhex(body)[-1] for body in wholes] == [0, 2]


@pytest.mark.parametrize("scale", [0.00390625, 0.3910152316, 1.0, 0.1, 7e-6, 123.456, 3e-41, 0.5])
def test_thousandths_are_what_printf_prints(codec: Codec, scale: float):
    exact = struct.unpack("<f", struct.pack("<f", scale))[0]
    lines = codec([f"scale {q} {bits(scale)} 1000 0" for q in range(256)])
    printed = [f"{int(t) // 1000}.{int(t) % 1000:03d}" for t in lines]
    assert printed == [f"{q * exact:.3f}" for q in range(256)]


def test_scaling_saturates_and_vanishes_without_undefined_behaviour(codec: Codec):
    huge, tiny = bits(3e38), bits(1e-38)
    assert codec([f"scale 65536 {huge} 1024 64", f"scale 65536 {tiny} 1024 -64"]) == [
        str(1 << 62),
        "0",
    ]


def test_floats_are_quantised_as_in_exact_arithmetic(codec: Codec):
    dice = random.Random(7)
    asked, expected = [], []
    for _ in range(4000):
        scale_bits, zero_point = (
            bits(dice.choice([0.39, 0.5, 2.0, 1e-3])),
            dice.randrange(-128, 128),
        )
        x_bits = bits(dice.choice([1, 10, 100, 1e-3, 1e9]) * dice.uniform(-1, 1))
        x, scale = (
            Fraction(struct.unpack("<f", b.to_bytes(4, "little"))[0]) for b in (x_bits, scale_bits)
        )
        steps = int(abs(x) / scale + Fraction(1, 2)) * (1 if x >= 0 else -1)
        asked.append(f"quantize {x_bits} {scale_bits} {zero_point}")
        expected.append(str(max(-128, min(127, steps + zero_point))))
    assert codec(asked) == expected

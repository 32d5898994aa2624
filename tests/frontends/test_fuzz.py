"""However a file is damaged: a graph that holds, or a ModelError, and soon."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support.dense import dense_graph

from edgekit.errors import CorruptModelError, ModelError
from edgekit.frontends import tflite, tflite_writer
from edgekit.ir import problems, to_text

CONTENT = tflite_writer.write(dense_graph(layers=3, size=6))
SECONDS_EACH = 2.0


def survives(content: bytes) -> bool:
    """True if it was read, False if it was refused; anything else fails the test."""
    before = time.monotonic()
    try:
        graph = tflite.read(content)
    except ModelError:
        return False
    finally:
        assert time.monotonic() - before < SECONDS_EACH
    assert list(problems(graph)) == []
    assert to_text(graph)
    held = sum(t.size_bytes for t in graph.tensors if t.constant is not None)
    assert held <= len(graph.tensors) * len(content)
    return True


@pytest.mark.parametrize("start", range(4))
def test_truncated_files(start: int) -> None:
    for size in range(start, len(CONTENT) - 16, 4):
        with pytest.raises(CorruptModelError):
            tflite.read(CONTENT[:size])


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outcomes = set()
    for _ in range(1000):
        damaged = bytearray(CONTENT)
        for _ in range(rng.integers(1, 4)):
            damaged[rng.integers(8, len(damaged))] ^= 1 << rng.integers(8)
        outcomes.add(survives(bytes(damaged)))
    assert outcomes == {True, False}


@pytest.mark.parametrize("seed", range(4))
def test_overwritten_words(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(CONTENT))
    for _ in range(1000):
        damaged = bytearray(CONTENT)
        at = 4 * rng.integers(2, len(damaged) // 4)
        damaged[at : at + 4] = int(rng.choice(words)).to_bytes(4, "little")
        survives(bytes(damaged))


def test_moved_and_doubled_parts() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        source, target, size = rng.integers(8, len(CONTENT), 3)
        piece = CONTENT[source : source + size]
        survives(CONTENT[:target] + piece + CONTENT[target:])
        survives((CONTENT[:target] + piece + CONTENT[target + size :])[: len(CONTENT)])


def test_noise_behind_the_identifier() -> None:
    rng = np.random.default_rng(0)
    for size in range(600):
        survives(CONTENT[:8] + rng.bytes(size))

"""Multipliers come from scales in double precision, as in the pinned TFLite Micro.

Builds of before the autumn of 2026 divided some of these in float32. Few scales tell the two apart,
so they are searched for here: a random one would not notice.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from support import models

from edgekit import ops
from edgekit.ir import Array, Graph
from edgekit.ops.fixed_point import quantize_multiplier, requantize
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.leaky_relu import LeakyReluAttributes

BYTES = np.arange(-128, 128).astype(np.int8)
WANTED = 6


def float32(value: float) -> float:
    return float(np.float32(value))


def scale_pairs(numerator: float) -> Iterator[tuple[float, float]]:
    """(a, b): numerator * a / b rounds differently in float32, near a tie where bytes show it."""
    rng = np.random.default_rng(11)
    while True:
        a = float32(rng.uniform(0.01, 0.5))
        near = float32(numerator) * a / (rng.integers(1, 200) + 0.5)
        b = float32(near * (1 + rng.integers(-4, 5) * 2.0**-24))
        single = float(np.float32(float32(numerator) * np.float32(a)) / np.float32(b))
        if differ(single, float32(numerator) * a / b):
            yield a, b


def differ(one: float, other: float) -> bool:
    acc = BYTES.astype(np.int64)
    results = [requantize(acc, *quantize_multiplier(real)) for real in (one, other)]
    return bool((np.clip(results[0], -128, 127) != np.clip(results[1], -128, 127)).any())


def unary(kind: str, a: float, b: float, attributes: object) -> tuple[Graph, Array]:
    source, output = models.tensor([256], scale=a), models.tensor([256], scale=b)
    return models.single_operator_graph(kind, [source], output, attributes), BYTES


def dense(a: float, b: float) -> tuple[Graph, Array]:
    source = models.tensor([256, 1], scale=a)
    output = models.tensor([256, 1], scale=b)
    weights = models.constant(np.ones((1, 1)), scale=0.1)
    graph = models.single_operator_graph(
        "fully_connected", [source, weights, None], output, FullyConnectedAttributes()
    )
    return graph, BYTES.reshape(256, 1)


@pytest.mark.parametrize(
    ("kind", "numerator"),
    [("relu", 1.0), ("leaky_relu", 1.0), ("leaky_relu", 0.1), ("fully_connected", 0.1)],
)
def test_scales_that_float32_would_round_otherwise_agree_with_the_oracle(
    check_reference, kind, numerator
):
    attributes = LeakyReluAttributes(float32(0.1)) if kind == "leaky_relu" else ops.NoAttributes()
    pairs = scale_pairs(numerator)
    for _ in range(WANTED):
        a, b = next(pairs)
        graph, value = dense(a, b) if kind == "fully_connected" else unary(kind, a, b, attributes)
        check_reference(graph, value)


def test_hard_swish_at_the_edge_of_its_short_multiplier_agrees_with_the_oracle(check_reference):
    rng = np.random.default_rng(3)
    for _ in range(60):
        a = float32(rng.uniform(0.005, 0.1))
        edge = (rng.integers(1 << 14, 1 << 15) + 0.5) / (1 << 15)
        b = float32(a / 128 / edge * 2 ** int(rng.integers(0, 6)))
        graph, value = unary("hard_swish", a, b, ops.NoAttributes())
        if ops.refusal(graph.operators[0]) is None:
            check_reference(graph, value)

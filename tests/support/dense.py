"""Models of FULLY_CONNECTED layers: the smallest that are models."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from edgekit.ir import DType, Graph
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes
from support import models

ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


def dense_graph(*, rows: int = 1, size: int = 4, layers: int = 1, seed: int = 0) -> Graph:
    """`layers` of [size, size] one after the other."""
    rng = np.random.default_rng(seed)
    source = last = models.tensor([rows, size], scale=0.05, zero_point=-3)
    operators = []
    for _ in range(layers):
        weights = models.constant(rng.integers(-127, 128, (size, size)), scale=0.01)
        bias = models.bias_of(last, weights, rng.integers(-500, 500, size))
        output = models.tensor([rows, size], scale=0.05, zero_point=4)
        attributes = FullyConnectedAttributes(Activation.RELU)
        operators.append(
            models.operator("fully_connected", [last, weights, bias], [output], attributes)
        )
        last = output
    return models.graph_of(operators, [source], [last], "dense")


@st.composite
def dense_graphs(draw: st.DrawFn, dtype: DType = DType.INT8) -> Graph:
    """One layer: any sizes, scales per tensor or per output, with and without bias."""
    rows, inputs, outputs = (draw(st.integers(1, n)) for n in (3, 20, 9))
    per_channel = draw(st.booleans())
    source = draw(models.activations((rows, inputs), dtype))
    weights = models.constant(
        draw(models.values((outputs, inputs))),
        scale=draw(models.channel_scales(outputs) if per_channel else models.scales()),
    )
    bias = None
    if draw(st.booleans()):
        bias = draw(models.layer_biases(source, weights, outputs, "fully_connected"))
    output = models.tensor(
        (rows, outputs),
        dtype,
        scale=draw(models.output_scales(source, weights)),
        zero_point=draw(models.zero_points(dtype)),
    )
    attributes = FullyConnectedAttributes(draw(st.sampled_from(ACTIVATIONS)))
    inputs_given = [source, weights, bias]
    return models.single_operator_graph("fully_connected", inputs_given, output, attributes)

"""Accumulators at the limits of 32 bits wrap, where TFLite Micro's do."""

from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.convolutions import graph_of, with_output

from edgekit.ir import Graph
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.windows import Padding

#: 1 - 2**-26 as a product of two float32: an int32 keeps all but 32 of its greatest value.
SCALES = (1 + 2**-13, 1 - 2**-13)
BIASES = (2**31 - 1, -(2**31), 5)


def layer(kind: str, filters: list[int], attributes: object, zero_point: int) -> Graph:
    """Of one input, of which only the biases come out."""
    source = models.tensor([1, 1] if kind == "fully_connected" else [1, 3, 3, 1], scale=SCALES[0])
    weights = models.constant(np.ones(filters), scale=SCALES[1])
    bias = models.bias_of(source, weights, BIASES)
    operator = with_output(kind, [source, weights, bias], attributes, 1.0, zero_point)
    return graph_of(operator)


@pytest.mark.parametrize("zero_point", [-128, 127])
def test_the_output_zero_point_is_added_to_32_bits(
    check_kernels: Callable[..., None], zero_point: int
) -> None:
    depthwise = DepthwiseConv2DAttributes(Padding.VALID, 1, 1, depth_multiplier=3)
    graphs = [
        layer("conv_2d", [3, 1, 1, 1], Conv2DAttributes(Padding.VALID, 1, 1), zero_point),
        layer("depthwise_conv_2d", [1, 1, 1, 3], depthwise, zero_point),
        layer("depthwise_conv_2d", [1, 3, 3, 3], depthwise, zero_point),
        layer("fully_connected", [3, 1], FullyConnectedAttributes(), zero_point),
    ]
    check_kernels([(g, [(np.zeros(g.inputs[0].shape, np.int8),)]) for g in graphs])

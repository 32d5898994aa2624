"""Accumulators at their limits: they wrap where TFLite Micro's do, and nowhere else."""

from collections.abc import Callable

import numpy as np
import pytest
from support import models
from support.convolutions import graph_of, with_output

from edgekit.ir import Array, DType, Graph, Operator, Tensor
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.weighted import RUN_S16
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


def wide(
    kind: str,
    weights: Array,
    *,
    bias: list[int] | None = None,
    bias_type: DType = DType.INT64,
    scale: float = 2.0**20,
    attributes: dict[str, object] | None = None,
) -> Operator:
    """A layer on int16 whose scales are 1, of one position of its window."""
    sizes = {"fully_connected": weights.shape[-1:], "conv_2d": weights.shape[1:]}
    source = models.tensor([1, *sizes.get(kind, weights.shape[1:])], DType.INT16, scale=1.0)
    inputs: list[Tensor | None] = [source, models.constant(weights, scale=1.0)]
    if bias is not None:
        inputs.append(models.constant(bias, bias_type, scale=1.0))
    kinds = {
        "conv_2d": Conv2DAttributes,
        "depthwise_conv_2d": DepthwiseConv2DAttributes,
        "fully_connected": FullyConnectedAttributes,
    }
    chosen = dict(attributes or {})
    if kind != "fully_connected":
        chosen |= {"padding": Padding.VALID, "stride_width": 1, "stride_height": 1}
    if kind == "depthwise_conv_2d":
        chosen["depth_multiplier"] = 1
    return with_output(kind, inputs, kinds[kind](**chosen), scale)


def extremes(operator: Operator) -> list[tuple[Array, ...]]:
    shape = operator.input(0).shape
    return [(np.full(shape, value, np.int16),) for value in (-32768, 32767, -1)]


#: More weights than one run of 32-bit sums has, all of them as far from 0 as they go.
MANY = 2 * RUN_S16 + 1
FARTHEST = np.array([-128, 127], np.int8)


def many(kind: str) -> Array:
    if kind == "depthwise_conv_2d":
        return np.broadcast_to(FARTHEST, (1, 3, 339, 2))
    shape = (2, MANY) if kind == "fully_connected" else (2, 1, 1, MANY)
    return np.broadcast_to(FARTHEST.reshape(2, *[1] * (len(shape) - 1)), shape)


KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected")


def test_sums_of_int16_products_pass_32_bits(check_kernels: Callable[..., None]) -> None:
    cases = []
    for kind in KINDS:
        for scale in (2.0**20, 3.7e5, 1.0):  # in range, and saturating
            operator = wide(kind, many(kind), bias=[1 << 40, -(1 << 40)], scale=scale)
            cases.append((graph_of(operator), extremes(operator)))
        operator = wide(kind, many(kind))
        cases.append((graph_of(operator), extremes(operator)))
    check_kernels(cases)


def test_results_beyond_32_bits_wrap(check_kernels: Callable[..., None]) -> None:
    """As TFLite Micro's do: it shifts by up to 7 to the left and keeps 32 bits of 64."""
    cases = []
    for kind in KINDS:
        for scale in (1.0, 2.0**-6, 2.0**-5.3):
            bias = [(1 << 46) - 1, 1 - (1 << 46)]
            operator = wide(kind, many(kind), bias=bias, scale=scale)
            cases.append((graph_of(operator), extremes(operator)))
    check_kernels(cases)


def test_a_bias_of_32_bits_makes_sums_of_32_bits(check_kernels: Callable[..., None]) -> None:
    cases = []
    for kind in ("conv_2d", "fully_connected"):
        weights = many(kind)[:, ..., : RUN_S16 + 60]
        for scale in (2.0**17, 2.0**15.5):
            operator = wide(
                kind, weights, bias=[1 << 30, -(1 << 30)], bias_type=DType.INT32, scale=scale
            )
            cases.append((graph_of(operator), extremes(operator)))
            # TensorType INT32: a model without a bias says so in its options
            operator = wide(kind, weights, scale=scale, attributes={"bias_type": 2})
            cases.append((graph_of(operator), extremes(operator)))
    check_kernels(cases)


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (wide("conv_2d", many("conv_2d"), bias=[1 << 46, 0]), "its bias is beyond 2..46"),
        (wide("conv_2d", many("conv_2d"), scale=2.0**-8), "its scales differ too much"),
        (
            wide(
                "depthwise_conv_2d", many("depthwise_conv_2d"), bias=[1, 2], bias_type=DType.INT32
            ),
            "its bias is int32, not int64",
        ),
        (
            wide("depthwise_conv_2d", np.ones((1, 1, RUN_S16 + 1, 1), np.int8)),
            "a filter of 509 columns is too wide",
        ),
        (
            wide("conv_2d", many("conv_2d"), bias=[1, 2], bias_type=DType.FLOAT32),
            "its bias is float32, not int32 or int64",
        ),
    ],
)
def test_what_sums_of_int16_products_cannot_hold_is_refused(
    operator: Operator, reason: str
) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)

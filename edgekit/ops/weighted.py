"""What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED share: int8 weights and an int32 bias."""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.definition import check_types, require
from edgekit.ops.fixed_point import (
    Activation,
    Int64,
    activation_range,
    quantize_multipliers,
    requantize,
    to_output,
    wrap_int32,
)

#: Sums of fewer products than this stay within 32 bits; the kernels rely on it.
MAX_TERMS = 1 << 16

_CLAMPING = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


def check_weighted(operator: Operator, *, channel_axis: int) -> None:
    """Refuse what the int8 kernels with constant, symmetric weights cannot compute."""
    source, weights, bias = operator.input(0), operator.input(1), operator.optional_input(2)
    check_types(operator)
    require(weights.dtype is DType.INT8, f"its weights are {weights.dtype.value}, not int8")
    require(weights.constant is not None, "its weights are not constant")
    require(weights.quantization is not None, "its weights have no scale")
    assert weights.quantization is not None
    require(not any(weights.quantization.zero_points), "its weights have a zero point")
    require(
        weights.quantization.per_tensor or weights.quantization.axis == channel_axis,
        f"its weights are quantised along axis {weights.quantization.axis}",
    )
    if bias is not None:
        require(bias.dtype is DType.INT32, f"its bias is {bias.dtype.value}, not int32")
        require(bias.constant is not None, "its bias is not constant")
        require(bias.elements == weights.shape[channel_axis], "its bias has a wrong size")
    require(source.constant is None, "its input is constant")
    require(int(channel_multipliers(operator)[1].max()) <= 30, "its scales differ too much")
    check_activation(operator.attributes.activation)


def check_terms(terms: int) -> None:
    """Refuse more products in one sum than the kernels' accumulators hold."""
    require(terms < MAX_TERMS, f"{terms} weights for each output are too many")


def check_activation(activation: Activation) -> None:
    """Refuse fused activations that are not a clamp (no converter makes them)."""
    require(activation in _CLAMPING, f"fused activation {activation.name}")


def channel_multipliers(operator: Operator) -> tuple[Int64, Int64]:
    """Multiplier and shift of each output channel of a convolution; one where one serves all."""
    source, weights, output = operator.input(0), operator.input(1), operator.output
    assert weights.quantization is not None
    multipliers, shifts = quantize_multipliers(
        source.scale * scale / output.scale for scale in weights.quantization.scales
    )
    return multipliers.astype(np.int64), shifts


def output_range(operator: Operator) -> tuple[int, int]:
    """Least and greatest output: the fused activation's, and what a pass added."""
    attributes = operator.attributes
    return activation_range(attributes.activation, operator.output, attributes.clamp)


def convolution_output(operator: Operator, sums: Array) -> Array:
    """The output of a convolution from its exact sums [N, H, W, channels] without bias."""
    acc = wrap_int32(sums.astype(np.int64) + bias_of(operator, sums.shape[3]))
    values = requantize(acc, *channel_multipliers(operator))
    output = operator.output
    return to_output(values, output.zero_point, *output_range(operator), output.dtype)


def bias_of(operator: Operator, channels: int) -> Int64:
    """The bias, or zeros where the model has none; shape [channels]."""
    bias = operator.optional_input(2)
    if bias is None:
        return np.zeros(channels, np.int64)
    assert bias.constant is not None
    return bias.constant.reshape(-1).astype(np.int64)


def fold_input_zero_point(operator: Operator, weight_sums: Int64) -> Int64:
    """bias - zero_point * (sum of weights), so that a kernel need not subtract the zero point.

    Sums wrap as the kernels' 32-bit registers do, so the folding is exact even where they overflow.
    """
    folded = bias_of(operator, len(weight_sums)) - operator.input(0).zero_point * weight_sums
    return wrap_int32(folded)


def requant_parameters(operator: Operator, multipliers: Int64) -> dict[str, int]:
    """How a kernel with weights makes its outputs; `requant_step` is 0 if one multiplier serves."""
    low, high = output_range(operator)
    return {
        "requant_step": min(1, len(multipliers) - 1),
        "output_zero_point": operator.output.zero_point,
        "output_min": low,
        "output_max": high,
    }


def kernel_arrays(bias: Int64, multipliers: Int64, shifts: Int64) -> dict[str, Array]:
    """The arrays that every kernel with weights reads: bias [channels], the others also [1]."""
    return {
        "bias": bias.astype(np.int32),
        "multiplier": multipliers.astype(np.int32),
        "shift": shifts.astype(np.int8),
    }

"""What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED share: int8 weights and a bias.

Activations are int8 or int16. Products of int8 are added up in 32 bits, those of int16 in 64, or in
32 where the model says so by an int32 bias; each has a requantisation of its own.
"""

from __future__ import annotations

import numpy as np

from edgekit.ir import Array, DType, Operator
from edgekit.ops.definition import check_types, require
from edgekit.ops.fixed_point import (
    Activation,
    Int64,
    activation_range,
    quantize_multipliers,
    reduced_multiplier,
    requantize,
    requantize_wide,
    to_output,
    wrap_int32,
)

#: Sums of fewer products of int8 than this stay within 32 bits; the kernels rely on it.
MAX_TERMS = 1 << 16

#: So many products of an int16 and an int8 surely stay within 32 bits. EK_RUN_S16 in ek_dot_s16.h.
RUN_S16 = 508

#: A bias below this leaves room for the products: `requantize_wide` takes less than 2**47.
_MAX_BIAS = 1 << 46

#: What ek_requant_s8.small_sums in ek_requantize.h promises.
_SMALL_SUM, _SMALL_SHIFTS = 1 << 30, (-23, -1)

_MAX_SHIFT, _MAX_WIDE_SHIFT = 30, 7

#: TensorType INT32 of TFLite's schema, as a value of the attribute `bias_type`.
_BIAS_INT32 = 2

_TYPES = (DType.INT8, DType.INT16)
_BIASES_S16 = (DType.INT32, DType.INT64)

_CLAMPING = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


def check_weighted(operator: Operator, *, channel_axis: int) -> None:
    """Refuse what the kernels with constant, symmetric int8 weights cannot compute."""
    source, weights = operator.input(0), operator.input(1)
    check_types(operator, types=_TYPES)
    require(weights.dtype is DType.INT8, f"its weights are {weights.dtype.value}, not int8")
    require(weights.constant is not None, "its weights are not constant")
    require(weights.quantization is not None, "its weights have no scale")
    assert weights.quantization is not None
    require(not any(weights.quantization.zero_points), "its weights have a zero point")
    require(
        weights.quantization.per_tensor or weights.quantization.axis == channel_axis,
        f"its weights are quantised along axis {weights.quantization.axis}",
    )
    _check_bias(operator, weights.shape[channel_axis])
    require(source.constant is None, "its input is constant")
    most = _MAX_WIDE_SHIFT if accumulates_wide(operator) else _MAX_SHIFT
    require(int(channel_multipliers(operator)[1].max()) <= most, "its scales differ too much")
    check_activation(operator.attributes.activation)


def _check_bias(operator: Operator, channels: int) -> None:
    bias = operator.optional_input(2)
    if bias is None:
        return
    known: tuple[DType, ...] = (DType.INT32,)
    if operator.input(0).dtype is DType.INT16:
        # TFLite Micro reads any bias of a depthwise convolution as int64
        known = (DType.INT64,) if operator.kind == "depthwise_conv_2d" else _BIASES_S16
    names = " or ".join(dtype.value for dtype in known)
    require(bias.dtype in known, f"its bias is {bias.dtype.value}, not {names}")
    require(bias.constant is not None, "its bias is not constant")
    require(bias.elements == channels, "its bias has a wrong size")
    assert bias.constant is not None
    low, high = int(bias.constant.min()), int(bias.constant.max())
    require(low > -_MAX_BIAS and high < _MAX_BIAS, "its bias is beyond 2**46")


def accumulates_wide(operator: Operator) -> bool:
    """True if TFLite Micro adds the products up in 64 bits."""
    if operator.input(0).dtype is not DType.INT16:
        return False
    if operator.kind == "depthwise_conv_2d":
        return True
    bias = operator.optional_input(2)
    if bias is not None:
        return bias.dtype is DType.INT64
    return bool(operator.attributes.bias_type != _BIAS_INT32)


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


def weighted_output(operator: Operator, sums: Array) -> Array:
    """The output from its exact sums of products [..., channels], without bias."""
    acc = sums.astype(np.int64) + bias_of(operator, sums.shape[-1])
    multipliers, shifts = channel_multipliers(operator)
    if accumulates_wide(operator):
        values = requantize_wide(acc, reduced_multiplier(multipliers), shifts)
    else:
        values = requantize(wrap_int32(acc), multipliers, shifts)
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
    bias, zero_point = bias_of(operator, len(weight_sums)), operator.input(0).zero_point
    return bias if zero_point == 0 else wrap_int32(bias - zero_point * weight_sums)


def sums_are_small(operator: Operator) -> bool:
    """True if ek_requant_s8.small_sums holds for the arrays of `kernel_arrays`."""
    weight_sums = _magnitudes(operator)
    bias = bias_of(operator, len(weight_sums))
    bias, _, shifts = _with_dead_channels_small(operator, bias)
    zero_point = operator.input(0).zero_point
    farthest = max(128 + zero_point, 127 - zero_point)
    sums = np.abs(bias) + farthest * weight_sums
    first, last = _SMALL_SHIFTS
    return bool(sums.max() < _SMALL_SUM and first <= shifts.min() and shifts.max() <= last)


def _magnitudes(operator: Operator) -> Int64:
    """Of each output channel the sum of its weights' magnitudes."""
    weights = operator.input(1)
    assert weights.constant is not None
    axis = weights.constant.ndim - 1 if operator.kind == "depthwise_conv_2d" else 0
    by_channel = np.moveaxis(weights.constant, axis, 0).reshape(weights.shape[axis], -1)
    sums: Int64 = np.abs(by_channel.astype(np.int64)).sum(axis=1)
    return sums


def _with_dead_channels_small(operator: Operator, bias: Int64) -> tuple[Int64, Int64, Int64]:
    """Bias, multipliers and shifts that give the same outputs, also small ones for dead channels.

    Training leaves channels whose weights are all 0. Their scales are tiny and their biases huge,
    though all that comes of them is one number k: as bias 4k, to be halved twice.
    """
    multipliers, shifts = channel_multipliers(operator)
    dead = _magnitudes(operator) == 0
    weights = operator.input(1)
    assert weights.quantization is not None
    if weights.quantization.per_tensor or not dead.any():
        return bias, multipliers, shifts
    values = requantize(wrap_int32(bias), multipliers, shifts)
    zero_point = operator.output.zero_point
    outputs = to_output(values, zero_point, *output_range(operator), operator.output.dtype)
    shorter = 4 * (outputs.astype(np.int64) - zero_point)
    return (
        np.where(dead, shorter, bias),
        np.where(dead, 1 << 30, multipliers),
        np.where(dead, -1, shifts),
    )


def requant_parameters(operator: Operator) -> dict[str, int]:
    """How a kernel with weights makes its outputs; `requant_step` is 0 if one multiplier serves."""
    low, high = output_range(operator)
    weights, output = operator.input(1), operator.output
    assert weights.quantization is not None
    if output.dtype is DType.INT16:
        kind = {"narrow": int(not accumulates_wide(operator))}
    else:
        kind = {
            "output_zero_point": output.zero_point,
            "small_sums": int(sums_are_small(operator)),
        }
    return {
        "requant_step": int(not weights.quantization.per_tensor),
        **kind,
        "output_min": low,
        "output_max": high,
    }


def kernel_arrays(operator: Operator, bias: Int64) -> dict[str, Array]:
    """The arrays that every kernel with weights reads: bias [channels], the others also [1].

    Of int16 the kernels take biases of 64 bits; of sums of 64 bits, shifts to the right.
    """
    multipliers, shifts = channel_multipliers(operator)
    if accumulates_wide(operator):
        multipliers, shifts = reduced_multiplier(multipliers), 15 - shifts
    elif operator.output.dtype is DType.INT8:
        bias, multipliers, shifts = _with_dead_channels_small(operator, bias)
    wide = operator.output.dtype is DType.INT16
    return {
        "bias": bias if wide else bias.astype(np.int32),
        "multiplier": multipliers.astype(np.int32),
        "shift": shifts.astype(np.int8),
    }

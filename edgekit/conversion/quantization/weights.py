"""Weights as int8, one scale for each output channel, and their biases.

Weights keep their whole range: scales of the least squared error gained nothing on any model tried.

Source: the 8-bit quantization specification (symmetric, -127..127; a bias has the scale of input
times weights), and for the bias correction Nagel et al. 2019 (arXiv:1906.04721), section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.conversion.quantization.encodings import Encoding
from edgekit.conversion.quantization.rules import Rule
from edgekit.ir import Array, DType, Operator, Quantization

_MAX = 127
_MAX_BIAS = {DType.INT32: float(1 << 30), DType.INT64: float(1 << 45)}
_LEAST_RATIO = 2.0**-24  # of input * weights to output: smaller is nothing


@dataclass(frozen=True, slots=True)
class Weights:
    """What an operator's constants become."""

    values: Array  # int8, in the shape of the float weights
    quantization: Quantization | None
    bias: Array | None  # int32 or int64 [channels]
    bias_quantization: Quantization | None

    def real(self) -> Weights:
        """The same rounded constants as float32."""
        assert self.quantization is not None
        values = _real(self.values, self.quantization)
        if self.bias is None or self.bias_quantization is None:
            return Weights(values, None, None, None)
        return Weights(values, None, _real(self.bias, self.bias_quantization), None)


def _real(codes: Array, quantization: Quantization) -> Array:
    shape = [1] * codes.ndim
    shape[quantization.axis] = -1
    return np.asarray(codes * np.array(quantization.scales).reshape(shape), np.float32)


def by_channel(values: Array, axis: int) -> Array:
    """Weights as a matrix [channels, rest], float64."""
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1).astype(np.float64)


def channel_ratio(values: Array, axis: int) -> float | None:
    """Range of the widest channel over that of the narrowest that is not zero; None: all zero."""
    ranges = np.abs(by_channel(values, axis)).max(axis=1)
    live = ranges[ranges > 0]
    return float(live.max() / live.min()) if len(live) else None


def quantized_weights(
    operator: Operator,
    rule: Rule,
    source: Encoding,
    output: Encoding,
    means: Array | None,
) -> Weights:
    """The constants of a weighted operator.

    Args:
        operator: whose weights and bias are float constants.
        rule: its row.
        source: encoding of input 0.
        output: encoding of the output.
        means: of the elements of input 0 over samples, to correct the bias by; None: do not.
    """
    assert rule.weights is not None and rule.bias is not None
    tensor, bias_tensor = operator.input(rule.weights), operator.optional_input(rule.bias)
    assert tensor.constant is not None
    matrix = by_channel(tensor.constant, rule.axis)
    bias = None
    if bias_tensor is not None and bias_tensor.constant is not None:
        bias = bias_tensor.constant.reshape(-1).astype(np.float64)
    dtype = DType.INT32 if source.dtype is DType.INT8 else DType.INT64
    scales = _scales(matrix, bias, dtype, source.scale, output.scale)
    codes = np.clip(np.round(matrix / scales[:, None]), -_MAX, _MAX)
    moved = np.moveaxis(tensor.constant, rule.axis, 0).shape
    values = np.moveaxis(codes.reshape(moved), 0, rule.axis).astype(np.int8)
    zeros = (0,) * len(scales)
    quantization = Quantization(tuple(scales.tolist()), zeros, rule.axis)
    if bias is None:
        return Weights(values, quantization, None, None)
    if means is not None:
        bias = bias - _shift(operator, rule, codes * scales[:, None] - matrix, means)
    return Weights(values, quantization, *_quantized_bias(bias, dtype, source.scale, scales))


def _quantized_bias(
    bias: Array, dtype: DType, source: float, scales: Array
) -> tuple[Array, Quantization]:
    bias_scales = np.float32(source) * scales.astype(np.float32)
    limit = 2 * _MAX_BIAS[dtype] - 1
    codes = np.clip(np.round(bias / bias_scales.astype(np.float64)), -limit, limit)
    quantization = Quantization(tuple(float(s) for s in bias_scales), (0,) * len(scales), 0)
    return codes.astype(dtype.numpy), quantization


def _scales(matrix: Array, bias: Array | None, dtype: DType, source: float, output: float) -> Array:
    """One float32 scale for each channel, as float64.

    A channel whose weights are tiny beside its bias, or all zero, gets a wider scale than its range
    asks for: the bias must fit its integers, and the multiplier must not vanish.
    """
    scales = np.abs(matrix).max(axis=1) / _MAX
    least = np.full(len(scales), _LEAST_RATIO * output / source)
    if bias is not None:
        least = np.maximum(least, np.abs(bias) / (source * _MAX_BIAS[dtype]))
    rounded: Array = np.maximum(scales, least).astype(np.float32).astype(np.float64)
    return rounded


def _shift(operator: Operator, rule: Rule, error: Array, means: Array) -> Array:
    """By how much the weights' rounding moves the mean of each output channel.

    `error` is [channels, rest] as `by_channel` orders it. A convolution's padding is neglected.
    """
    channels = len(error)
    if operator.kind == "depthwise_conv_2d":
        per_input = means.reshape(-1, operator.input(0).shape[-1]).mean(axis=0)
        return np.asarray(error.sum(axis=1) * np.repeat(per_input, channels // len(per_input)))
    if operator.kind == "conv_2d":
        depth = operator.input(1).shape[-1]
        per_input = means.reshape(-1, operator.input(0).shape[-1]).mean(axis=0)
        if depth != len(per_input):
            return np.zeros(channels)  # grouped: not worth its own formula
        return np.asarray(error.reshape(channels, -1, depth).sum(axis=1) @ per_input)
    if operator.kind == "fully_connected":
        return np.asarray(error @ means.reshape(-1, error.shape[1]).mean(axis=0))
    return np.zeros(channels)

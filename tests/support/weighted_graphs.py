"""Many layers with int8 weights in one graph, side by side: one image tries all of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from edgekit.ir import Array, Graph, Operator, Tensor
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.windows import Padding
from support import models
from support.convolutions import with_output

_ENDS = (-128, 127)
#: Of the outputs: RELU6 clamps at both ends, RELU at one.
_ACTIVATIONS = (
    Activation.NONE,
    Activation.NONE,
    Activation.NONE,
    Activation.RELU,
    Activation.RELU6,
)


def weighted_graph(seed: int, count: int) -> Graph:
    """`count` layers, each with an input and an output of its own; the same for the same seed."""
    rng = np.random.default_rng(seed)
    operators = [_KINDS[i % len(_KINDS)](rng) for i in range(count)]
    inputs = [operator.input(0) for operator in operators]
    outputs = [operator.output for operator in operators]
    return models.graph_of(operators, inputs, outputs, f"weighted_{seed}")


def _pick(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]


def _weights(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Array:
    """All over the range, at its ends, near 0; some channels of zeros."""
    low, high = _pick(rng, (-128, 127), (-128, 127), (-3, 3))
    values = rng.integers(low, high, shape, np.int8, endpoint=True)
    if rng.random() < 0.15:
        values = rng.choice(np.array(_ENDS, np.int8), shape)
    if rng.random() < 0.3:
        channels = np.moveaxis(values, axis, 0)
        channels[rng.random(len(channels)) < 0.4] = 0
    return values


def _scales(rng: np.random.Generator, reaches: Array) -> Array:
    """Multipliers of the sums whose magnitudes are up to `reaches`.

    Mostly such that outputs fill their range, on powers of 2 where sums lie between two outputs;
    some that shift to the left, or so far to the right that they end at the limits.
    """
    exponents = np.log2(128 / (1 + reaches)) + rng.uniform(0, 4, len(reaches))
    kind = _pick(rng, "fill", "fill", "fill", "powers", "powers", "powers", "any")
    if kind == "powers":
        exponents = np.round(exponents)
    if kind == "any":
        exponents = rng.uniform(-28, 3, len(reaches))
    return np.asarray(2.0**exponents, np.float32)


def _biases(rng: np.random.Generator, reaches: Array) -> Array:
    """None to speak of, like usual sums, or close to what makes a sum large."""
    kind = _pick(rng, "none", "none", "like", "like", "like", "like", "edge")
    if kind == "none":
        return np.zeros(len(reaches), np.int64)
    if kind == "like":
        return rng.integers(-reaches // 8 - 1, reaches // 8 + 1)
    limit = (1 << 30) - 255 * 128 * 64 - rng.integers(0, 3, len(reaches))
    return np.where(rng.random(len(reaches)) < 0.5, -limit, limit)


def _layer(
    rng: np.random.Generator,
    kind: str,
    source_shape: tuple[int, ...],
    weights_shape: tuple[int, ...],
    axis: int,
    attributes: Any,
) -> Operator:
    zero_point = int(_pick(rng, -128, 0, 127, rng.integers(-128, 128)))
    source = models.tensor(source_shape, scale=1.0, zero_point=zero_point)
    values = _weights(rng, weights_shape, axis)
    by_channel = np.moveaxis(values, axis, 0).reshape(weights_shape[axis], -1).astype(np.int64)
    reaches = 128 * np.abs(by_channel).sum(axis=1)
    per_channel = rng.random() < 0.7 and weights_shape[axis] > 1
    biases = _biases(rng, reaches)
    largest = reaches + np.abs(biases)
    activation = _pick(rng, *_ACTIVATIONS)
    scale = 1.0 if activation is not Activation.RELU6 else 6 / _pick(rng, 100, 255)
    scales = scale * _scales(rng, largest if per_channel else largest.max(keepdims=True))
    weights = models.constant(values, scale=scales.tolist(), axis=axis if per_channel else 0)
    inputs: list[Tensor | None] = [source, weights]
    if rng.random() < 0.8:
        inputs.append(models.bias_of(source, weights, biases))
    zero_points = rng.integers(-60, 60, 6) if activation is Activation.NONE else [-128, -128, -100]
    zero_point = int(_pick(rng, -128, 127, *zero_points))
    attributes = dataclasses.replace(attributes, activation=activation)
    return with_output(kind, inputs, attributes, scale, zero_point)


def _windows(rng: np.random.Generator, taps: tuple[int, int], dilation: int) -> dict[str, Any]:
    """A padding, strides, dilations, and `size`: an input on which at least one window fits."""
    padding = _pick(rng, *Padding)
    reach = [(t - 1) * dilation if padding is Padding.VALID else 0 for t in taps]
    return {
        "padding": padding,
        "stride_height": int(rng.integers(1, 4)),
        "stride_width": int(rng.integers(1, 4)),
        "dilation_height": dilation,
        "dilation_width": dilation,
        "size": tuple(int(r + rng.integers(1, 10)) for r in reach),
    }


def _convolution(rng: np.random.Generator) -> Operator:
    taps = _pick(rng, (1, 1), (1, 1), (3, 3), (3, 3), (2, 3), (4, 1))
    window = _windows(rng, taps, _pick(rng, 1, 1, 1, 2))
    groups = _pick(rng, 1, 1, 1, 2)
    inputs, outputs = int(rng.integers(1, 9)), int(rng.integers(1, 8))
    if rng.random() < 0.3:
        inputs, outputs = _pick(rng, 1, 3, 16, 17, 24, 35), _pick(rng, 1, 4, 8, 13)
    source = (_pick(rng, 1, 1, 2), *window.pop("size"), groups * inputs)
    filters = (groups * outputs, *taps, inputs)
    return _layer(rng, "conv_2d", source, filters, 0, Conv2DAttributes(**window))


def _depthwise(rng: np.random.Generator) -> Operator:
    taps, dilation = (3, 3), 1
    if rng.random() < 0.3:
        taps, dilation = _pick(rng, (1, 1), (2, 4), (5, 5), (9, 8)), _pick(rng, 1, 1, 2)
    window = _windows(rng, taps, dilation)
    if rng.random() < 0.5:
        window["stride_height"] = window["stride_width"] = _pick(rng, 1, 2)
    channels, multiplier = int(rng.integers(1, 6)), _pick(rng, 1, 1, 1, 2, 3)
    if rng.random() < 0.5:
        channels = _pick(rng, 7, 8, 9, 16, 19)
    source = (_pick(rng, 1, 1, 2), *window.pop("size"), channels)
    attributes = DepthwiseConv2DAttributes(**window, depth_multiplier=multiplier)
    filters = (1, *taps, channels * multiplier)
    return _layer(rng, "depthwise_conv_2d", source, filters, 3, attributes)


def _dense(rng: np.random.Generator) -> Operator:
    inputs, outputs = int(rng.integers(1, 70)), int(rng.integers(1, 12))
    source = (_pick(rng, 1, 1, 3), inputs)
    attributes = FullyConnectedAttributes()
    return _layer(rng, "fully_connected", source, (outputs, inputs), 0, attributes)


_KINDS = (_convolution, _depthwise, _convolution, _depthwise, _dense)

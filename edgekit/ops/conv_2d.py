"""CONV_2D: out[n][y][x][o] = bias[o] + sum over the window of (in - zero_point) * weights[o]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, kernel_for, require, slot
from edgekit.ops.fixed_point import Activation
from edgekit.ops.weighted import (
    check_terms,
    check_weighted,
    fold_input_zero_point,
    kernel_arrays,
    requant_parameters,
    weighted_output,
)
from edgekit.ops.windows import Axis, Padding, axes, check_axes, geometry, output_shape

#: Two windows of no more than this many bytes lie on the stack, larger ones in the arena. Layers
#: with few input channels are those with large activations, so there the arena is dear.
#: The same as EK_CONV_2D_STACK_BYTES in ek_conv_2d_s8.h, and as its like in ek_conv_2d_s16.h.
STACK_WINDOWS_BYTES = 288


@dataclass(frozen=True, slots=True)
class Conv2DAttributes:
    """Conv2DOptions."""

    padding: Padding = slot(0, "int8", Padding.SAME)
    stride_width: int = slot(1, "int32", 0)
    stride_height: int = slot(2, "int32", 0)
    activation: Activation = slot(3, "int8", Activation.NONE)
    dilation_width: int = slot(4, "int32", 1)
    dilation_height: int = slot(5, "int32", 1)
    bias_type: int = slot(6, "int8", 0)  # TensorType; of int16 without a bias
    pads: tuple[int, int, int, int] | None = None  # top, bottom, left, right; set by a pass
    clamp: tuple[int, int] | None = None  # set by a pass


class Conv2D(Definition[Conv2DAttributes]):
    """A convolution. weights [O, KH, KW, I] int8, bias [O] int32 (of int16 also int64) or none.

    Fewer input channels in the weights than in the input make it a grouped convolution.
    """

    stem = "conv_2d"
    builtin_code = 3
    options_type = 1
    attributes = Conv2DAttributes

    def check(self, operator: Operator) -> None:
        """Constant int8 weights, one scale or one for each output channel."""
        check_weighted(operator, channel_axis=0)
        source, weights = operator.input(0), operator.input(1)
        require(len(weights.shape) == 4, "its weights do not have 4 dimensions")
        y, x = _axes(operator)
        outputs, inputs = weights.shape[0], weights.shape[3]
        require(source.shape[3] % inputs == 0, "its input is no whole number of channel groups")
        groups = source.shape[3] // inputs
        require(outputs % groups == 0, f"{outputs} outputs do not divide into {groups} groups")
        check_terms(weights.elements // outputs)
        check_axes(operator, y, x)

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """[N, positions down, positions across, O]."""
        return (output_shape(operator.input(0), *_axes(operator), operator.input(1).shape[0]),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """One product of matrices for each tap, in float64: exact below 2**53, and fast."""
        source, weights = inputs[0], inputs[1]
        assert source is not None and weights is not None
        y, x = _axes(operator)
        centred = source.astype(np.float64) - operator.input(0).zero_point
        size = weights.shape[3]
        groups = source.shape[3] // size
        acc = np.zeros(operator.output.shape)
        by_group = np.split(weights.astype(np.float64), groups)
        width = acc.shape[3] // groups
        for ky in range(y.filter):
            for kx in range(x.filter):
                (to_y, from_y), (to_x, from_x) = y.taps(ky), x.taps(kx)
                for g, kernel in enumerate(by_group):
                    taps = centred[:, from_y, from_x, g * size : (g + 1) * size]
                    acc[:, to_y, to_x, g * width : (g + 1) * width] += taps @ kernel[:, ky, kx].T
        return (weighted_output(operator, acc),)

    def macs(self, operator: Operator) -> int:
        """Output elements * KH * KW * I, padding included."""
        weights = operator.input(1)
        return operator.output.elements * (weights.elements // weights.shape[0])

    def kernel(self, operator: Operator) -> KernelNeeds:
        """Windows are copied two at a time, except where each is a pixel of the input."""
        source, weights = operator.input(0), operator.input(1)
        y, x = _axes(operator)
        outputs, _, _, inputs = weights.shape
        window_size = weights.elements // outputs
        assert weights.constant is not None
        sums = weights.constant.reshape(outputs, -1).sum(axis=1, dtype=np.int64)
        whole_pixels = inputs == source.shape[3] and _is_inside(y) and _is_inside(x)
        windows_bytes = 0 if whole_pixels else 2 * window_size * source.dtype.size_bytes
        on_stack = windows_bytes <= STACK_WINDOWS_BYTES
        return KernelNeeds(
            kernel=kernel_for("conv_2d", source.dtype),
            template="conv_2d",
            parameters={
                **geometry(source, y, x),
                **requant_parameters(operator),
                "dilation_y": y.dilation,
                "dilation_x": x.dilation,
                "out_channels": outputs,
                "group_channels": outputs * inputs // source.shape[3],
                "filter_channels": inputs,
                "in_zero_point": source.zero_point,
                "whole_pixels": int(whole_pixels),
                "stack_bytes": windows_bytes if on_stack else 0,
            },
            constants={
                "weights": weights.constant,
                **kernel_arrays(operator, fold_input_zero_point(operator, sums)),
            },
            scratch_bytes=0 if on_stack else windows_bytes,
        )


def _axes(operator: Operator) -> tuple[Axis, Axis]:
    height, width = operator.input(1).shape[1:3]
    return axes(operator.attributes, operator.input(0), (height, width))


def _is_inside(a: Axis) -> bool:
    """True if each position of the window meets one element of the input, and no padding."""
    return a.filter == 1 and a.full == (0, a.outputs)

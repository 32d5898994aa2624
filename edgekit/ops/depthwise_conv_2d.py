"""DEPTHWISE_CONV_2D: each input channel is convolved with `depth_multiplier` filters of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.ir import Array, DType, Operator, Shape
from edgekit.ops.definition import Definition, KernelNeeds, require, slot
from edgekit.ops.fixed_point import Activation
from edgekit.ops.weighted import (
    RUN_S16,
    bias_of,
    check_terms,
    check_weighted,
    kernel_arrays,
    requant_parameters,
    weighted_output,
)
from edgekit.ops.windows import Axis, Padding, axes, check_axes, geometry, output_shape


@dataclass(frozen=True, slots=True)
class DepthwiseConv2DAttributes:
    """DepthwiseConv2DOptions."""

    padding: Padding = slot(0, "int8", Padding.SAME)
    stride_width: int = slot(1, "int32", 0)
    stride_height: int = slot(2, "int32", 0)
    depth_multiplier: int = slot(3, "int32", 0)
    activation: Activation = slot(4, "int8", Activation.NONE)
    dilation_width: int = slot(5, "int32", 1)
    dilation_height: int = slot(6, "int32", 1)
    pads: tuple[int, int, int, int] | None = None  # top, bottom, left, right; set by a pass
    clamp: tuple[int, int] | None = None  # set by a pass


class DepthwiseConv2D(Definition[DepthwiseConv2DAttributes]):
    """A depthwise convolution. weights [1, KH, KW, C * M] int8, bias [C * M] or none.

    The bias is int32, of int16 activations int64.
    """

    stem = "depthwise_conv_2d"
    builtin_code = 4
    options_type = 2
    attributes = DepthwiseConv2DAttributes

    def check(self, operator: Operator) -> None:
        """Constant int8 weights, one scale or one for each output channel."""
        check_weighted(operator, channel_axis=3)
        weights = operator.input(1)
        require(len(weights.shape) == 4, "its weights do not have 4 dimensions")
        y, x = _axes(operator)
        require(weights.shape[0] == 1, f"its weights have {weights.shape[0]} filters, not 1")
        channels, outputs = operator.input(0).shape[3], weights.shape[3]
        multiplier = operator.attributes.depth_multiplier
        require(
            outputs == channels * multiplier,
            f"{outputs} outputs are not {channels} channels times multiplier {multiplier}",
        )
        check_terms(y.filter * x.filter)
        check_axes(operator, y, x)
        narrow = operator.input(0).dtype is DType.INT8 or x.filter <= RUN_S16
        require(narrow, f"a filter of {x.filter} columns is too wide for int16")

    def output_shapes(self, operator: Operator) -> tuple[Shape, ...]:
        """[N, positions down, positions across, C * M]."""
        return (output_shape(operator.input(0), *_axes(operator), operator.input(1).shape[3]),)

    def evaluate(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """One product for each tap; channel c * M + m reads input channel c."""
        source, weights = inputs[0], inputs[1]
        assert source is not None and weights is not None
        y, x = _axes(operator)
        centred = source.astype(np.int64) - operator.input(0).zero_point
        spread = np.repeat(centred, weights.shape[3] // source.shape[3], axis=3)
        acc = np.zeros(operator.output.shape, np.int64)
        for ky in range(y.filter):
            for kx in range(x.filter):
                (to_y, from_y), (to_x, from_x) = y.taps(ky), x.taps(kx)
                acc[:, to_y, to_x] += spread[:, from_y, from_x] * weights[0, ky, kx]
        return (weighted_output(operator, acc),)

    def macs(self, operator: Operator) -> int:
        """Output elements * KH * KW, padding included."""
        height, width = operator.input(1).shape[1:3]
        return operator.output.elements * height * width

    def kernel(self, operator: Operator) -> KernelNeeds:
        """3x3 filters, the usual ones, have a kernel of their own for int8."""
        y, x = _axes(operator)
        if operator.input(0).dtype is DType.INT16:
            return _kernel_s16(operator, y, x)
        small = (y.filter, x.filter, y.dilation, x.dilation) == (3, 3, 1, 1)
        if small and min(y.stride, x.stride) <= 3:
            return _kernel_3x3(operator, y, x)
        return _kernel(operator, y, x)


def _kernel(operator: Operator, y: Axis, x: Axis) -> KernelNeeds:
    return KernelNeeds(
        kernel="depthwise_conv_2d_s8",
        template="depthwise_conv_2d",
        parameters={
            **_window_parameters(operator, y, x),
            "in_zero_point": operator.input(0).zero_point,
        },
        constants=_constants(operator, (3, 1, 2, 0)),
    )


def _kernel_s16(operator: Operator, y: Axis, x: Axis) -> KernelNeeds:
    """As many rows of a window at a time as surely stay within 32 bits."""
    return KernelNeeds(
        kernel="depthwise_conv_2d_s16",
        template="depthwise_conv_2d",
        parameters={
            **_window_parameters(operator, y, x),
            "run_rows": min(y.filter, RUN_S16 // x.filter),
        },
        constants=_constants(operator, (3, 1, 2, 0)),
    )


def _window_parameters(operator: Operator, y: Axis, x: Axis) -> dict[str, int]:
    full_begin, full_end = x.full
    return {
        **_common_parameters(operator),
        **geometry(operator.input(0), y, x),
        "full_begin": full_begin,
        "full_end": full_end,
        "dilation_y": y.dilation,
        "dilation_x": x.dilation,
    }


def _kernel_3x3(operator: Operator, y: Axis, x: Axis) -> KernelNeeds:
    """The inner loop goes along the longer direction whose stride it can take."""
    down, right = _sides(operator, y, x)
    downward = y.stride <= 3 and (x.stride > 3 or down["out_size"] > right["out_size"])
    batches = operator.output.shape[0]
    return KernelNeeds(
        kernel="depthwise_conv_2d_3x3_s8",
        template="depthwise_conv_2d_3x3",
        parameters={
            **_common_parameters(operator),
            "batches": batches,
            "in_bytes": operator.input(0).elements // batches,
            "out_bytes": operator.output.elements // batches,
            "in_channels": operator.input(0).shape[3],
            "in_zero_point": operator.input(0).zero_point,
            "along": down if downward else right,
            "across": right if downward else down,
        },
        constants=_constants(operator, (3, 1, 2, 0) if downward else (3, 2, 1, 0)),
    )


def _sides(operator: Operator, y: Axis, x: Axis) -> tuple[dict[str, int], dict[str, int]]:
    """(vertical, horizontal): sizes, and the steps in memory from one element to the next."""
    in_pixel, out_pixel = operator.input(0).shape[3], operator.output.shape[3]

    def side(a: Axis, in_step: int, out_step: int) -> dict[str, int]:
        return {
            "in_size": a.size,
            "in_step": in_step,
            "out_size": a.outputs,
            "out_step": out_step,
            "stride": a.stride,
            "pad": a.before,
        }

    vertical = side(y, x.size * in_pixel, x.outputs * out_pixel)
    return vertical, side(x, in_pixel, out_pixel)


def _common_parameters(operator: Operator) -> dict[str, int]:
    return {
        **requant_parameters(operator),
        "multiplier": operator.output.shape[3] // operator.input(0).shape[3],
    }


def _constants(operator: Operator, order: tuple[int, ...]) -> dict[str, Array]:
    """Weights channel by channel, their other dimensions in this `order`."""
    weights = operator.input(1)
    assert weights.constant is not None
    bias = bias_of(operator, weights.shape[3])
    return {
        "weights": np.ascontiguousarray(weights.constant.transpose(order)),
        **kernel_arrays(operator, bias),
    }


def _axes(operator: Operator) -> tuple[Axis, Axis]:
    height, width = operator.input(1).shape[1:3]
    return axes(operator.attributes, operator.input(0), (height, width))

"""What convolutions and pools share: how a window slides over an input [N, H, W, C]."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from edgekit.ir import Operator, Shape, Tensor
from edgekit.ops.definition import require

#: Filter sizes, strides, dilations and paddings lie in the kernels' parameters as int16.
MAX_STEP = 32767

#: The kernels step from tap to tap through the input with int32.
MAX_TAP_DISTANCE = 2**31 - 1


class Padding(enum.IntEnum):
    """How far a window may reach over the edge; the numbers are TFLite's."""

    SAME = 0
    VALID = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis along which a window slides."""

    size: int  # of the input
    filter: int  # taps
    stride: int
    dilation: int  # distance of two taps
    before: int  # padding in front of the input
    outputs: int  # positions of the window; below 1 where it does not fit

    @property
    def full(self) -> tuple[int, int]:
        """(begin, end) of the positions where every tap lies inside the input."""
        begin = min(-(-self.before // self.stride), self.outputs)
        last = self.size - 1 + self.before - (self.filter - 1) * self.dilation
        return begin, max(begin, min(self.outputs, last // self.stride + 1))

    def taps(self, tap: int) -> tuple[slice, slice]:
        """The positions where `tap` lies inside the input, and the elements that it meets there."""
        offset = tap * self.dilation - self.before
        begin = max(0, -(offset // self.stride))
        end = max(begin, min(self.outputs, (self.size - 1 - offset) // self.stride + 1))
        start = begin * self.stride + offset
        stop = start + (end - begin - 1) * self.stride + 1
        return slice(begin, end), slice(start, max(start, stop), self.stride)


def axis(
    size: int,
    filter_size: int,
    stride: int,
    dilation: int,
    padding: Padding,
    pads: tuple[int, int] | None = None,
) -> Axis:
    """The window along one axis; `pads` (before, after) replaces `padding`."""
    require(min(filter_size, stride, dilation) >= 1, "a stride, dilation or filter size is 0")
    dilation = 1 if filter_size == 1 else dilation  # one tap has no distance to another
    reach = (filter_size - 1) * dilation + 1
    if pads is not None:
        before, outputs = pads[0], (size + sum(pads) - reach) // stride + 1
    elif padding is Padding.SAME:
        outputs = -(-size // stride)
        # an odd total puts the extra element behind
        before = max(0, (outputs - 1) * stride + reach - size) // 2
    else:
        before, outputs = 0, (size - reach) // stride + 1
    return Axis(
        size=size,
        filter=filter_size,
        stride=stride,
        dilation=dilation,
        before=before,
        outputs=outputs,
    )


def axes(attributes: Any, source: Tensor, filter_size: tuple[int, int]) -> tuple[Axis, Axis]:
    """(vertical, horizontal) window of an operator with these attributes."""
    require(len(source.shape) == 4, f"its input has {len(source.shape)} dimensions, not 4")
    pads = getattr(attributes, "pads", None)
    vertical, horizontal = (None, None) if pads is None else (pads[:2], pads[2:])
    dilation_y = getattr(attributes, "dilation_height", 1)
    dilation_x = getattr(attributes, "dilation_width", 1)
    height, width = source.shape[1:3]
    padding = attributes.padding
    return (
        axis(height, filter_size[0], attributes.stride_height, dilation_y, padding, vertical),
        axis(width, filter_size[1], attributes.stride_width, dilation_x, padding, horizontal),
    )


def check_axes(operator: Operator, y: Axis, x: Axis) -> None:
    """Refuse windows that fit nowhere, or whose numbers the kernels' parameters cannot hold."""
    for a in (y, x):
        require(a.outputs >= 1, "its window is larger than its input")
        largest = max(a.filter, a.stride, a.dilation, a.before)
        require(largest <= MAX_STEP, f"{largest} as stride, filter size or padding is too large")
    _, _, width, channels = operator.input(0).shape
    distance = max(y.dilation * width, x.dilation) * channels
    require(distance <= MAX_TAP_DISTANCE, f"its taps are {distance} elements apart")
    shape = operator.output.shape
    require(
        len(shape) == 4 and shape[1:3] == (y.outputs, x.outputs),
        f"its output is {list(shape)} where its window gives {y.outputs}x{x.outputs}",
    )


def output_shape(source: Tensor, y: Axis, x: Axis, channels: int) -> Shape:
    """[N, positions down, positions across, channels]."""
    return (source.shape[0], y.outputs, x.outputs, channels)


def geometry(source: Tensor, y: Axis, x: Axis) -> dict[str, int]:
    """The parameters that every kernel with a window has."""
    batches, height, width, channels = source.shape
    return {
        "batches": batches,
        "in_height": height,
        "in_width": width,
        "in_channels": channels,
        "out_height": y.outputs,
        "out_width": x.outputs,
        "filter_height": y.filter,
        "filter_width": x.filter,
        "stride_y": y.stride,
        "stride_x": x.stride,
        "pad_top": y.before,
        "pad_left": x.before,
    }

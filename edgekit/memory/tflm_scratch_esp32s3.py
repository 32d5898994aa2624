"""The scratch of ESP-NN's convolutions on the ESP32-S3: padded inputs and reordered weights.

Made after esp_nn_get_conv_scratch_size_esp32s3 and esp_nn_get_depthwise_conv_scratch_size_esp32s3
of ESP-NN 1.2.3. They ask for more than any other library: the input once more, with its padding.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Operator
from edgekit.ops.windows import axes

#: Up to so many bytes ESP-NN copies a whole input, of larger ones a strip.
_WHOLE_INPUT_BYTES = 40 << 10
_WHOLE_INT16_BYTES = 48 << 10


def conv_scratch(operator: Operator) -> int:
    """Bytes for a CONV_2D of int8."""
    g = _geometry(operator)
    outputs = operator.output.shape[3]
    if (g.filter_height, g.filter_width) == (1, 1) and not (g.padded or g.strided):
        channels = _up(g.channels, 8)
        turned = 2 * 8 * channels if g.height * g.width >= 8 else 0
        whole = g.height * g.width * channels if g.channels % 8 else 0
        return whole + channels * outputs + turned + 64
    row = g.filter_width * g.channels
    window = g.filter_height * row
    if row < 16 <= window:
        column = _up(window, 16)
        return outputs * 4 + 16 + outputs * column + 16 + column + 64
    inside = (g.height + 2 * g.top) * (g.width + 2 * g.left) * g.channels if g.padded else 0
    weights = g.filter_height * g.filter_width * _up(g.channels, 16) * outputs
    rows = _up(row, 16) * g.filter_height * outputs
    bottom, right = max(0, g.bottom), max(0, g.right)
    edge = (g.height + bottom) * (g.width + right) * g.channels if bottom or right else 0
    return inside + weights + rows + edge + 64 + outputs * 4


def depthwise_scratch(operator: Operator) -> int:
    """Bytes for a DEPTHWISE_CONV_2D of int8."""
    g = _geometry(operator)
    multiplier = operator.output.shape[3] // g.channels
    weights = g.filter_height * g.filter_width * operator.output.shape[3]
    source = g.height * g.width * g.channels
    if multiplier == 1 and g.channels % 8 == 0:
        if (g.filter_height, g.filter_width) == (3, 3):
            return _depthwise_3x3(g, weights, source)
        whole = 2 * (weights + source)
        if whole <= _WHOLE_INT16_BYTES:
            return whole + 32
        return 2 * weights + 2 * g.width * g.filter_height * g.channels + 32
    if multiplier == 1 and g.channels > 3:
        return _depthwise_odd(g)
    if multiplier % 4 == 0:
        return 2 * (weights + source) + 32
    return 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Geometry:
    height: int
    width: int
    channels: int
    filter_height: int
    filter_width: int
    top: int  # padding, which is taken to be the same on both sides
    left: int
    bottom: int  # how far ESP-NN lets the last window reach behind the input; may be below 0
    right: int
    strided: bool
    positions: int  # of the window

    @property
    def padded(self) -> bool:
        return bool(self.top or self.left)


def _geometry(operator: Operator) -> _Geometry:
    source, weights = operator.input(0), operator.input(1)
    y, x = axes(operator.attributes, source, (weights.shape[1], weights.shape[2]))
    return _Geometry(
        height=source.shape[1],
        width=source.shape[2],
        channels=source.shape[3],
        filter_height=y.filter,
        filter_width=x.filter,
        top=y.before,
        left=x.before,
        bottom=y.outputs * y.stride + y.filter - 1 - y.size,
        right=x.outputs * x.stride + x.filter - 1 - x.size,
        strided=(y.stride, x.stride) != (1, 1),
        positions=y.outputs * x.outputs,
    )


def _depthwise_3x3(g: _Geometry, weights: int, source: int) -> int:
    if g.channels % 16 == 0:
        below, beside = (2 * g.top, 2 * g.left) if g.padded else (g.bottom, g.right)
        if not (below or beside):
            return weights + 16
        whole = (g.height + below) * (g.width + beside) * g.channels
        strip = (g.width + beside) * g.filter_height * g.channels
        return weights + (whole if whole <= _WHOLE_INPUT_BYTES else strip) + 16
    if g.channels < 12:
        return 2 * (weights + source) + 32
    channels = _up(g.channels, 16)
    beside = 2 * g.left + max(0, g.right)
    below = 2 * g.top + max(0, g.bottom)
    source = (g.width + beside) * (g.height + below) * channels
    return 9 * channels + source + g.positions * channels + 64


def _depthwise_odd(g: _Geometry) -> int:
    """Channels are filled up to a multiple of 8; input and weights become int16."""
    channels = _up(g.channels, 8)
    end = _up(2 * g.filter_height * g.filter_width * channels, 16)
    end = _up(end + 2 * g.height * g.width * channels, 16)
    end = _up(end + g.positions * channels, 16)
    return end + 3 * 4 * channels + 16


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple

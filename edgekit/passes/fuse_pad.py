"""fuse_pad: a convolution or MAX_POOL_2D pads for itself what PAD padded before it."""

from __future__ import annotations

import dataclasses

from edgekit.ir import Graph, Operator
from edgekit.ops.padding import pad_value, paddings_of
from edgekit.ops.pooling import window_axes
from edgekit.ops.weighted import output_range
from edgekit.ops.windows import Axis, axes
from edgekit.passes.verify import supported

_WINDOWED = ("conv_2d", "depthwise_conv_2d", "max_pool_2d")


def fuse_pad(graph: Graph) -> Graph:
    """Let operators with a window read the input of PAD, with explicit paddings.

    Exact where PAD changes no scale and fills with a value that does not count: the zero point,
    of which a convolution makes 0, or what MAX_POOL_2D would give for less. The padded tensor
    is never made.
    """
    for reader in graph.operators:
        pad = _pad_before(graph, reader)
        fused = None if pad is None else _fused(reader, pad)
        if fused is not None:
            graph = graph.with_operators(
                fused if operator is reader else operator
                for operator in graph.operators
                if operator is not pad
            )
    return graph


def _pad_before(graph: Graph, reader: Operator) -> Operator | None:
    """The PAD that fills the margins of an image for `reader` alone."""
    if reader.kind not in _WINDOWED or supported(reader) is None:
        return None
    padded = reader.input(0)
    pad = graph.producer(padded)
    if pad is None or pad.kind not in ("pad", "padv2") or supported(pad) is None:
        return None
    alone = graph.consumers(padded) == (reader,) and padded not in graph.outputs
    source = pad.input(0)
    exact = source.means_the_same_as(padded) and _does_not_count(pad_value(pad), reader)
    computed = source.constant is None
    return pad if alone and exact and computed and _only_height_and_width(pad) else None


def _does_not_count(value: int, reader: Operator) -> bool:
    if reader.kind == "max_pool_2d":
        return value <= output_range(reader)[0]
    return value == reader.input(0).zero_point


def _only_height_and_width(pad: Operator) -> bool:
    batch, *_, channels = paddings_of(pad)
    return batch == channels == (0, 0)


def _fused(reader: Operator, pad: Operator) -> Operator | None:
    """`reader` on the input of `pad`; None if its kernel could not do that."""
    y, x = _axes(reader)
    _, (top, bottom), (left, right), _ = paddings_of(pad)
    pads = (top + y.before, bottom + _after(y), left + x.before, right + _after(x))
    fused = dataclasses.replace(
        reader,
        inputs=(pad.input(0), *reader.inputs[1:]),
        attributes=dataclasses.replace(reader.attributes, pads=pads),
    )
    return None if supported(fused) is None else fused


def _axes(reader: Operator) -> tuple[Axis, Axis]:
    if reader.kind == "max_pool_2d":
        return window_axes(reader)
    height, width = reader.input(1).shape[1:3]
    return axes(reader.attributes, reader.input(0), (height, width))


def _after(axis: Axis) -> int:
    """The padding behind the input that the last position of the window reaches into."""
    reach = (axis.outputs - 1) * axis.stride + (axis.filter - 1) * axis.dilation + 1
    return max(0, reach - axis.size - axis.before)

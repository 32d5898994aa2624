"""fuse_pad: a convolution pads for itself what PAD padded before it."""

from __future__ import annotations

import dataclasses

from edgekit.ir import Graph, Operator
from edgekit.ops.padding import pad_value, paddings_of
from edgekit.ops.windows import Axis, axes
from edgekit.passes.verify import supported


def fuse_pad(graph: Graph) -> Graph:
    """Let convolutions read the input of PAD, with explicit paddings.

    Exact where PAD fills with the zero point, of which a convolution makes 0, and changes no
    scale. The padded tensor is never made.
    """
    for conv in graph.operators:
        pad = _pad_before(graph, conv)
        fused = None if pad is None else _fused(conv, pad)
        if fused is not None:
            graph = graph.with_operators(
                fused if operator is conv else operator
                for operator in graph.operators
                if operator is not pad
            )
    return graph


def _pad_before(graph: Graph, conv: Operator) -> Operator | None:
    """The PAD that fills the margins of an image for `conv` alone."""
    if conv.kind not in ("conv_2d", "depthwise_conv_2d") or supported(conv) is None:
        return None
    padded = conv.input(0)
    pad = graph.producer(padded)
    if pad is None or pad.kind not in ("pad", "padv2") or supported(pad) is None:
        return None
    alone = graph.consumers(padded) == (conv,) and padded not in graph.outputs
    source = pad.input(0)
    exact = source.means_the_same_as(padded) and pad_value(pad) == padded.zero_point
    computed = source.constant is None
    return pad if alone and exact and computed and _only_height_and_width(pad) else None


def _only_height_and_width(pad: Operator) -> bool:
    batch, *_, channels = paddings_of(pad)
    return batch == channels == (0, 0)


def _fused(conv: Operator, pad: Operator) -> Operator | None:
    """`conv` on the input of `pad`; None if its kernel could not do that."""
    height, width = conv.input(1).shape[1:3]
    y, x = axes(conv.attributes, conv.input(0), (height, width))
    _, (top, bottom), (left, right), _ = paddings_of(pad)
    pads = (top + y.before, bottom + _after(y), left + x.before, right + _after(x))
    fused = dataclasses.replace(
        conv,
        inputs=(pad.input(0), *conv.inputs[1:]),
        attributes=dataclasses.replace(conv.attributes, pads=pads),
    )
    return None if supported(fused) is None else fused


def _after(axis: Axis) -> int:
    """The padding behind the input that the last position of the window reaches into."""
    reach = (axis.outputs - 1) * axis.stride + (axis.filter - 1) * axis.dilation + 1
    return max(0, reach - axis.size - axis.before)

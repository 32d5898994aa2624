"""sink_pad: PAD moves behind views, to the convolution that may pad for itself."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgekit.ir import DType, Graph, Operator, Shape, Tensor
from edgekit.ops.movement import View
from edgekit.ops.padding import paddings_of
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.passes.verify import supported

Paddings = tuple[tuple[int, int], ...]


def sink_pad(graph: Graph) -> Graph:
    """Turn PAD, RESHAPE into RESHAPE, PAD where the RESHAPE moves only dimensions of size 1.

    Converters compute 1-D convolutions as 2-D ones and put the new dimension in after the padding.
    """
    for view in graph.operators:
        pad = _pad_before(graph, view)
        swapped = None if pad is None else _swapped(view, pad, graph.next_id)
        if swapped is not None:
            graph = graph.with_operators(
                new
                for operator in graph.operators
                if operator is not pad
                for new in (swapped if operator is view else (operator,))
            )
    return graph


def _pad_before(graph: Graph, view: Operator) -> Operator | None:
    """The PAD of a computed tensor that `view` alone reads."""
    if not isinstance(supported(view), View):
        return None
    padded = view.input(0)
    pad = graph.producer(padded)
    if pad is None or pad.kind not in ("pad", "padv2") or supported(pad) is None:
        return None
    alone = graph.consumers(padded) == (view,) and padded not in graph.outputs
    computed = pad.input(0).constant is None
    return pad if alone and computed and padded.means_the_same_as(view.output) else None


def _swapped(view: Operator, pad: Operator, next_id: int) -> tuple[Operator, Operator] | None:
    """RESHAPE of what `pad` reads, and PAD to what `view` makes."""
    source, output = pad.input(0), view.output
    paddings = _moved(paddings_of(pad), view.input(0).shape, output.shape)
    if paddings is None:
        return None
    shape = tuple(n - sum(pads) for n, pads in zip(output.shape, paddings, strict=True))
    inner = dataclasses.replace(source, id=next_id, shape=shape)
    value = np.array(paddings, np.int32)
    value.setflags(write=False)
    constant = Tensor(next_id + 1, f"{output.name}/paddings", value.shape, DType.INT32, None, value)
    return (
        Operator("reshape", view.index, (source,), (inner,), ReshapeAttributes(shape)),
        dataclasses.replace(pad, inputs=(inner, constant, *pad.inputs[2:]), outputs=(output,)),
    )


def _moved(paddings: Paddings, before: Shape, after: Shape) -> Paddings | None:
    """The paddings of the same dimensions in their new places; None if some are no longer there.

    A dimension of size 1 after padding has none.
    """
    kept = [(size, pads) for size, pads in zip(before, paddings, strict=True) if size > 1]
    if [size for size, _ in kept] != [size for size in after if size > 1]:
        return None
    rest = iter([pads for _, pads in kept])
    return tuple(next(rest) if size > 1 else (0, 0) for size in after)

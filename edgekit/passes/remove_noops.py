"""remove_noops: operators that leave all bytes as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgekit.ir import Graph, Operator, Tensor
from edgekit.ops.movement import View
from edgekit.ops.padding import paddings_of
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.strided_slice import ranges
from edgekit.ops.transpose import permutation
from edgekit.passes.verify import supported


def remove_noops(graph: Graph) -> Graph:
    """Remove what changes neither bytes nor shape; what changes the shape becomes one RESHAPE."""
    for operator in graph.operators:
        current = graph.producer(operator.output)
        if current is not None and _keeps_bytes(current):
            graph = _without(graph, current)
    return graph


def _without(graph: Graph, noop: Operator) -> Graph:
    """`graph` with the readers of `noop` on its source; a RESHAPE where that cannot be."""
    source, output = noop.input(0), noop.output
    origin = _origin(graph, source)
    if origin.constant is not None:
        return graph  # fold_constants has made of it what can be made
    others = graph.with_operators(op for op in graph.operators if op is not noop)
    for same in (source, origin):
        if same.shape == output.shape and same.means_the_same_as(output):
            if output not in graph.outputs:
                return others.with_tensors_replaced({output: same})
            if same not in (*graph.inputs, *graph.outputs):
                return others.with_tensors_replaced({same: output})
    if source is origin and isinstance(supported(noop), View):
        return graph
    attributes = ReshapeAttributes(output.shape)
    reshape = Operator("reshape", noop.index, (origin,), (output,), attributes)
    return graph.with_operators(reshape if op is noop else op for op in graph.operators)


def _origin(graph: Graph, tensor: Tensor) -> Tensor:
    """The tensor that `tensor` is a view of, or itself."""
    producer = graph.producer(tensor)
    while producer is not None and isinstance(supported(producer), View):
        if producer.input(0).constant is not None:
            break
        tensor = producer.input(0)
        producer = graph.producer(tensor)
    return tensor


def _keeps_bytes(operator: Operator) -> bool:
    """True if the output has the bytes of input 0 in their order."""
    definition = supported(operator)
    if definition is None:
        return False
    if isinstance(definition, View):
        return True
    dtype = operator.output.dtype
    test = _TESTS.get(operator.kind)
    if test is not None:
        return test(operator)
    bounds = definition.output_clamp(operator)
    return bounds is not None and bounds == (dtype.min, dtype.max)


def _joins_one(operator: Operator) -> bool:
    return len(operator.inputs) == 1


def _pads_nothing(operator: Operator) -> bool:
    return not any(map(any, paddings_of(operator)))


def _moves_only_ones(operator: Operator) -> bool:
    """Dimensions of size 1 may go anywhere."""
    shape = operator.input(0).shape
    moved = [axis for axis in permutation(operator) if shape[axis] > 1]
    return moved == sorted(moved)


def _takes_all(operator: Operator) -> bool:
    forwards = all(r.step > 0 or len(r) == 1 for r in ranges(operator))
    return forwards and operator.output.elements == operator.input(0).elements


_TESTS: Mapping[str, Callable[[Operator], bool]] = {
    "concatenation": _joins_one,
    "pack": _joins_one,
    "pad": _pads_nothing,
    "padv2": _pads_nothing,
    "strided_slice": _takes_all,
    "transpose": _moves_only_ones,
}

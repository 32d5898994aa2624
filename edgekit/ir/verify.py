"""What holds for every graph, whatever its operators: checked after reading and after each pass."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.ir.graph import Graph, Quantization, Tensor

#: Shapes with more elements than this are refused: no microcontroller holds them, a corrupt
#: file might ask for them.
MAX_ELEMENTS = 1 << 28
MAX_RANK = 6


def problems(graph: Graph) -> Iterator[str]:
    """Every rule of the IR that `graph` breaks, one sentence each."""
    for tensor in graph.tensors:
        yield from _tensor_problems(tensor)
    ids = [tensor.id for tensor in graph.tensors]
    if len(set(ids)) != len(ids):
        yield "two tensors have the same id"
    known = set(graph.inputs)
    if len(known) != len(graph.inputs):
        yield "a tensor is an input of the model twice"
    for operator in graph.operators:
        where = f"operator #{operator.index} {operator.kind}"
        for tensor in operator.activations:
            if tensor not in known:
                yield f"{where} reads tensor %{tensor.id} before it is computed"
        for tensor in operator.outputs:
            if tensor in known or tensor.constant is not None:
                yield f"{where} writes tensor %{tensor.id}, which already has a value"
            known.add(tensor)
    for tensor in graph.outputs:
        if tensor not in known and tensor.constant is None:
            yield f"output %{tensor.id} is never computed"
    for tensor in graph.inputs:
        if tensor.constant is not None:
            yield f"input %{tensor.id} is a constant"


def _tensor_problems(tensor: Tensor) -> Iterator[str]:
    where = f"tensor %{tensor.id} {tensor.name!r}"
    if len(tensor.shape) > MAX_RANK:
        yield f"{where} has {len(tensor.shape)} dimensions; {MAX_RANK} are supported"
    if any(size < 1 for size in tensor.shape):
        yield f"{where} has shape {list(tensor.shape)}: every size must be at least 1"
    elif tensor.elements > MAX_ELEMENTS:
        yield f"{where} has shape {list(tensor.shape)}: more than {MAX_ELEMENTS:,} elements"
    if tensor.constant is not None:
        if tensor.constant.shape != tensor.shape:
            yield f"{where} has shape {list(tensor.shape)} but its value {tensor.constant.shape}"
        if tensor.constant.dtype != tensor.dtype.numpy:
            yield f"{where} is {tensor.dtype.value} but its value {tensor.constant.dtype}"
    if tensor.quantization is not None:
        yield from _quantization_problems(where, tensor, tensor.quantization)


def _quantization_problems(where: str, tensor: Tensor, q: Quantization) -> Iterator[str]:
    if not q.scales or len(q.scales) != len(q.zero_points):
        yield f"{where} has {len(q.scales)} scales and {len(q.zero_points)} zero points"
        return
    if not all(0.0 < scale < float("inf") for scale in q.scales):
        yield f"{where} has a scale that is not a positive number"
    if not q.per_tensor:
        if not 0 <= q.axis < len(tensor.shape):
            yield f"{where} is quantised along axis {q.axis} of {len(tensor.shape)}"
        elif tensor.shape[q.axis] != len(q.scales):
            yield f"{where} has {len(q.scales)} scales for {tensor.shape[q.axis]} channels"
    if not tensor.dtype.value.startswith(("int", "uint")):
        return
    low, high = tensor.dtype.min, tensor.dtype.max
    if not all(low <= zero_point <= high for zero_point in q.zero_points):
        yield f"{where} has a zero point outside {tensor.dtype.value}"

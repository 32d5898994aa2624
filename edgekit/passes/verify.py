"""What holds before the first pass and after each: the IR's rules, and every operator's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgekit import ir, ops
from edgekit.errors import CorruptModelError
from edgekit.ir import Graph, Operator


def supported(operator: Operator) -> ops.Definition[Any] | None:
    """The definition of an operator that is known and passes its `check`, else None.

    Of others nothing may be asked: their attributes may make no sense.
    """
    return None if ops.refusal(operator) else ops.definition_of(operator)


def problems(graph: Graph) -> Iterator[str]:
    """Every rule that `graph` breaks, one sentence each."""
    yield from ir.problems(graph)
    for operator in graph.operators:
        yield from shape_problems(operator)


def shape_problems(operator: Operator) -> Iterator[str]:
    """Where the outputs' shapes are not what the operator's shape rule makes of its inputs."""
    definition = supported(operator)
    if definition is None:
        return
    expected = definition.output_shapes(operator)
    stored = tuple(tensor.shape for tensor in operator.outputs)
    if expected != stored:
        made, kept = (" and ".join(str(list(s)) for s in shapes) for shapes in (expected, stored))
        yield f"operator #{operator.index} {operator.kind} makes {made} where {kept} is stored"


def changes(before: Graph, after: Graph) -> Iterator[str]:
    """Every rule that a pass broke which made `after` of `before`.

    Raises:
        CorruptModelError: an operator that a pass brought within reach breaks its shape rule, as
            it did in the model.
    """
    yield from ir.problems(after)
    out_of_reach = {op.index for op in before.operators if supported(op) is None}
    for operator in after.operators:
        for problem in shape_problems(operator):
            if operator.index in out_of_reach:
                raise CorruptModelError(f"{after.name}: {problem}")
            yield problem
        if supported(operator) is None and operator.index not in out_of_reach:
            yield f"operator #{operator.index} {operator.kind} has no kernel any more"
    for one, other in ((before.inputs, after.inputs), (before.outputs, after.outputs)):
        if [(t.shape, t.dtype, t.quantization) for t in one] != [
            (t.shape, t.dtype, t.quantization) for t in other
        ]:
            yield "the model's inputs or outputs changed"

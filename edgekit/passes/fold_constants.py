"""fold_constants: what does not depend on the model's inputs is computed here and now."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgekit.errors import CorruptModelError
from edgekit.ir import Array, Graph, Operator, Tensor
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.static import Static
from edgekit.passes.verify import supported


def fold_constants(graph: Graph) -> Graph:
    """Replace operators on constants, and SHAPE of anything, by their values.

    An output of the model stays computed: a RESHAPE copies the value to its place.
    """
    known: dict[Tensor | None, Tensor] = {}
    kept: list[Operator] = []
    next_id = graph.next_id
    for original in graph.operators:
        inputs = tuple(known.get(tensor, tensor) for tensor in original.inputs)
        operator = dataclasses.replace(original, inputs=inputs)
        values = None if _copies_a_constant(graph, operator) else _values(operator)
        if values is None:
            kept.append(original if inputs == original.inputs else operator)
            continue
        for output, value in zip(operator.outputs, values, strict=True):
            known[output] = dataclasses.replace(output, constant=value)
            if output in graph.outputs:
                known[output] = dataclasses.replace(known[output], id=next_id)
                next_id += 1
                kept.append(_copy(operator.index, known[output], output))
    return graph.with_operators(kept)


def _copies_a_constant(graph: Graph, operator: Operator) -> bool:
    """True for what this pass itself makes."""
    return operator.kind == "reshape" and operator.output in graph.outputs


def _values(operator: Operator) -> list[Array] | None:
    """The outputs, if they can be computed on the host."""
    definition = supported(operator)
    if definition is None or (operator.activations and not isinstance(definition, Static)):
        return None
    inputs = [None if t is None else t.constant for t in operator.inputs]
    values = [np.array(value, order="C") for value in definition.evaluate(operator, inputs)]
    for output, value in zip(operator.outputs, values, strict=True):
        if value.shape != output.shape:
            raise CorruptModelError(
                f"operator #{operator.index} {operator.kind} makes {list(value.shape)} where "
                f"{list(output.shape)} is stored"
            )
        value.setflags(write=False)
    return values


def _copy(index: int, source: Tensor, output: Tensor) -> Operator:
    return Operator("reshape", index, (source,), (output,), ReshapeAttributes(output.shape))

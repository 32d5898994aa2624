"""drop_shape_inputs: RESHAPE needs no shape but its output's."""

from __future__ import annotations

import dataclasses

from edgekit.ir import Graph, Operator
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.passes.verify import supported


def drop_shape_inputs(graph: Graph) -> Graph:
    """Make RESHAPE read its first input only.

    TFLite Micro goes by the shape that is stored with the output; converters compute it once
    more, from SHAPE through all kinds of arithmetic, for batches of any size.
    """
    return graph.with_operators(map(_without_shape_input, graph.operators))


def _without_shape_input(operator: Operator) -> Operator:
    if operator.kind != "reshape" or len(operator.inputs) == 1 or supported(operator) is None:
        return operator
    return dataclasses.replace(
        operator,
        inputs=operator.inputs[:1],
        attributes=ReshapeAttributes(operator.output.shape),
    )

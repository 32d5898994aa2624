"""remove_dead: operators that nobody needs the outputs of."""

from __future__ import annotations

from edgekit.ir import Graph, Operator, Tensor


def remove_dead(graph: Graph) -> Graph:
    """Keep what the model's outputs depend on; constants go with their last reader."""
    needed: set[Tensor | None] = set(graph.outputs)
    kept: list[Operator] = []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
            kept.append(operator)
    return graph.with_operators(reversed(kept))

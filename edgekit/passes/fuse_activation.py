"""fuse_activation: a clamp moves into the operator that computes what it clamps."""

from __future__ import annotations

import dataclasses

from edgekit.ir import Graph, Operator
from edgekit.passes.verify import supported


def fuse_activation(graph: Graph) -> Graph:
    """Give the clamp of RELU and its like to the operator before, which clamps anyway."""
    for clamp in graph.operators:
        producer = _producer(graph, clamp)
        fused = None if producer is None else _fused(producer, clamp)
        if fused is not None:
            graph = graph.with_operators(
                fused if operator is producer else operator
                for operator in graph.operators
                if operator is not clamp
            )
    return graph


def _producer(graph: Graph, clamp: Operator) -> Operator | None:
    """Who computes the input of `clamp`, and of nothing else."""
    tensor = clamp.optional_input(0)
    if tensor is None or tensor in graph.outputs or graph.consumers(tensor) != (clamp,):
        return None
    producer = graph.producer(tensor)
    return None if producer is None or len(producer.outputs) != 1 else producer


def _fused(producer: Operator, clamp: Operator) -> Operator | None:
    """`producer` with the clamp's output and range.

    Both clamps hold the zero point (that of RELU and its like always does), so their ranges meet,
    and one clamp to what they share gives the same as one after the other.
    """
    definition, producing = supported(clamp), supported(producer)
    if definition is None or producing is None or len(clamp.activations) != 1:
        return None
    bounds, output = definition.output_clamp(clamp), clamp.output
    if bounds is None or not producer.output.means_the_same_as(output):
        return None
    if output.quantization is None or not bounds[0] <= output.zero_point <= bounds[1]:
        return None
    fused = producing.clamped(producer, *bounds)
    return None if fused is None else dataclasses.replace(fused, outputs=(output,))

"""How much work and how many bytes a float graph is."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.conversion.quantization.options import Precision
from edgekit.conversion.quantization.rules import RULES
from edgekit.ir import DType, Graph, Operator

_PER_ELEMENT = 20  # MACs that take as long as one element of an activation, roughly
_WIDE = 15  # LiteRT's int16 kernels are so many times slower than its int8 ones


def macs(operator: Operator) -> int:
    """Multiplications of a convolution or a matrix product; 0 for other operators."""
    rule, output = RULES.get(operator.kind), operator.output
    if operator.kind == "batch_matmul":
        left = operator.input(0).shape
        return output.elements * (left[-2] if operator.attributes.get("adjX") else left[-1])
    if rule is None or rule.weights is None:
        return 0
    weights = operator.input(rule.weights)
    if operator.kind == "transpose_conv":
        return operator.input(2).elements * weights.elements // weights.shape[-1]
    return output.elements * (weights.elements // max(1, weights.shape[rule.axis]))


def samples_for(
    graph: Graph, precisions: Mapping[Operator, Precision], runs: int, work: float, most: int
) -> int:
    """How many samples `runs` runs of the graph can have within `work`, at least 8.

    It counts, and does not measure, so that equal models are always judged by equal samples.
    """
    cost = 0
    for operator in graph.operators:
        own = macs(operator) + _PER_ELEMENT * sum(t.elements for t in operator.outputs)
        wide = precisions.get(operator) is Precision.INT16X8
        cost += own * (_WIDE if wide else 1)
    return int(min(most, max(8, work / (max(1, runs * cost)))))


def constant_bytes(graph: Graph) -> int:
    """Bytes of the constants that stand for reals: those that are float32 or have a scale."""
    constants = {t for t in graph.tensors if t.constant is not None}
    return sum(
        t.size_bytes for t in constants if t.dtype is DType.FLOAT32 or t.quantization is not None
    )

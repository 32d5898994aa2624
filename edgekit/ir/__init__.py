"""The graph: what a model is, apart from any file format and any board."""

from edgekit.ir.graph import Array, DType, Graph, Operator, Quantization, Shape, Tensor
from edgekit.ir.text import to_text
from edgekit.ir.verify import problems

__all__ = [
    "Array",
    "DType",
    "Graph",
    "Operator",
    "Quantization",
    "Shape",
    "Tensor",
    "problems",
    "to_text",
]

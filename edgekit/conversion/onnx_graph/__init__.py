"""ONNX to a float32 .tflite in NHWC: by us, since converters leave a TRANSPOSE at each turn.

`source` is the model as the worker read it, `layout` the algebra of where elements lie, `table`
which function lowers which operator, `fusion` what operators take in afterwards.
"""

from edgekit.conversion.onnx_graph.lowering import Lowered, lower
from edgekit.conversion.onnx_graph.source import Node, Source, read

__all__ = ["Lowered", "Node", "Source", "lower", "read"]

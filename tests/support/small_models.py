"""Small whole models for tests of the whole road."""

from __future__ import annotations

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops import NoAttributes
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.windows import Padding
from support import models
from support.sketch import Sketch


def image_graph(size: int = 6, channels: int = 3) -> Graph:
    """Convolutions, padding, two branches and a dense layer, with float32 at both ends."""
    s = Sketch()
    source = float_input(s, 1, size, size, 2)
    padded = s.pad(source, [(0, 0), (1, 1), (1, 1), (0, 0)])
    left = s.conv(padded, channels, activation=Activation.RELU)
    right = s.depthwise(s.conv(source, channels, padding=Padding.SAME), padding=Padding.SAME)
    both = s.add("concatenation", [left, right], ConcatenationAttributes(3))
    flat = s.add("reshape", [both], ReshapeAttributes(), shape=(1, both.elements))
    return s.graph(float_output(s, s.dense(flat, 5)), name="image")


def float_edges() -> Graph:
    """A dense layer between float32 input and output."""
    s = Sketch()
    return s.graph(float_output(s, s.dense(float_input(s, 1, 4))), name="edges")


def float_input(s: Sketch, *shape: int) -> Tensor:
    """A float32 input of the model, quantised."""
    s.inputs.append(models.tensor(shape, DType.FLOAT32))
    return s.add("quantize", [s.inputs[-1]], NoAttributes(), dtype=DType.INT8)


def float_output(s: Sketch, source: Tensor) -> Tensor:
    """`source` as float32."""
    return s.add("dequantize", [source], NoAttributes(), dtype=DType.FLOAT32)

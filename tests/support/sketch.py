"""Graphs of several operators, drawn one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.ir import DType, Graph, Operator, Shape, Tensor
from edgekit.ops import NoAttributes, definition_of
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.pooling import Pool2DAttributes
from edgekit.ops.windows import Padding
from support import models

SCALE = 0.125
ZERO_POINT = 3


class Sketch:
    """A graph in the making. Tensors are int8 of one scale unless something else is asked for."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self.inputs: list[Tensor] = []
        self.operators: list[Operator] = []

    def input(self, *shape: int, dtype: DType = DType.INT8, zero_point: int = ZERO_POINT) -> Tensor:
        """An input of the model; one of int16 has a zero point of 0."""
        zero_point = zero_point if dtype is DType.INT8 else 0
        self.inputs.append(models.tensor(shape, dtype, scale=SCALE, zero_point=zero_point))
        return self.inputs[-1]

    def add(
        self,
        kind: str,
        inputs: Sequence[Tensor],
        attributes: Any = None,
        *,
        shape: Shape | None = None,
        dtype: DType | None = None,
        scale: float = SCALE,
        zero_point: int = ZERO_POINT,
    ) -> Tensor:
        """An operator; returns its output, whose shape its shape rule gives.

        int8 is quantised, and so is int16, with a zero point of 0, unless it was moved from what
        was not.
        """
        dtype = inputs[0].dtype if dtype is None else dtype
        quantized: dict[str, Any] = {}
        if dtype is DType.INT8:
            quantized = {"scale": scale, "zero_point": zero_point}
        elif dtype is DType.INT16 and not (inputs[0].dtype is dtype and not inputs[0].quantization):
            quantized = {"scale": scale}
        output = models.tensor((1,) if shape is None else shape, dtype, **quantized)
        attributes = NoAttributes() if attributes is None else attributes
        operator = models.operator(kind, inputs, [output], attributes)
        if shape is None:
            (shape,) = definition_of(operator).output_shapes(operator)
            output = models.tensor(shape, dtype, **quantized)
        self.operators.append(models.operator(kind, inputs, [output], attributes))
        return output

    def weights(self, *shape: int) -> Tensor:
        """Random constant int8 weights."""
        return models.constant(self._rng.integers(-127, 128, shape), scale=0.01)

    def conv(
        self,
        source: Tensor,
        channels: int = 2,
        size: tuple[int, int] = (3, 3),
        padding: Padding = Padding.VALID,
        stride: int = 1,
        activation: Activation = Activation.NONE,
        **output: Any,
    ) -> Tensor:
        """CONV_2D."""
        weights = self.weights(channels, *size, source.shape[3])
        attributes = Conv2DAttributes(padding, stride, stride, activation)
        return self.add("conv_2d", [source, weights], attributes, **output)

    def depthwise(
        self, source: Tensor, size: tuple[int, int] = (3, 3), padding: Padding = Padding.VALID
    ) -> Tensor:
        """DEPTHWISE_CONV_2D."""
        weights = self.weights(1, *size, source.shape[3])
        attributes = DepthwiseConv2DAttributes(padding, 1, 1, 1)
        return self.add("depthwise_conv_2d", [source, weights], attributes)

    def max_pool(
        self,
        source: Tensor,
        size: tuple[int, int] = (2, 2),
        padding: Padding = Padding.VALID,
        activation: Activation = Activation.NONE,
    ) -> Tensor:
        """MAX_POOL_2D."""
        height, width = size
        attributes = Pool2DAttributes(padding, 1, 1, width, height, activation)
        return self.add("max_pool_2d", [source], attributes)

    def dense(self, source: Tensor, outputs: int = 3) -> Tensor:
        """FULLY_CONNECTED."""
        weights = self.weights(outputs, source.shape[-1])
        return self.add("fully_connected", [source, weights], FullyConnectedAttributes())

    def pad(
        self,
        source: Tensor,
        paddings: Sequence[tuple[int, int]],
        value: int | None = None,
        **output: Any,
    ) -> Tensor:
        """PAD, or PADV2 with a value."""
        inputs = [source, models.constant(list(paddings), DType.INT32)]
        if value is not None:
            zero_point = ZERO_POINT if source.dtype is DType.INT8 else 0
            inputs.append(models.constant(value, source.dtype, scale=SCALE, zero_point=zero_point))
        return self.add("pad" if value is None else "padv2", inputs, **output)

    def integers(self, *values: int) -> Tensor:
        """A constant list of int32."""
        return models.constant(list(values), DType.INT32)

    def graph(self, *outputs: Tensor, name: str = "sketch") -> Graph:
        """The graph that returns `outputs`."""
        return models.graph_of(self.operators, self.inputs, outputs, name)

"""Layers as converters make them, drawn one after the other: what the zoo is made of."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from edgekit.ir import DType, Graph, Shape, Tensor
from edgekit.ops.binary import BinaryAttributes
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes
from edgekit.ops.mean import MeanAttributes
from edgekit.ops.pooling import Pool2DAttributes
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.split import SplitAttributes
from edgekit.ops.strided_slice import StridedSliceAttributes
from edgekit.ops.windows import Padding
from support import models
from support.sketch import Sketch

SAME, VALID = Padding.SAME, Padding.VALID
NONE, RELU, RELU6 = Activation.NONE, Activation.RELU, Activation.RELU6

_WEIGHT_SCALE = 0.01
#: Of the product of a random activation and a random weight.
_SPREAD = {DType.INT8: 5500.0, DType.INT16: 1.4e6}
#: Of an output, about its zero point.
_REACH = {DType.INT8: 50.0, DType.INT16: 12_000.0}
#: Bits of a random bias.
_BIAS_BITS = {DType.INT8: 14, DType.INT16: 22}


class Cage(Sketch):
    """A sketch of layers as converters make them: with biases, and scales of their own."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.outputs: list[Tensor] = []

    def source(
        self,
        *shape: int,
        dtype: DType = DType.INT8,
        scale: float | None = None,
        zero_point: int = 0,
    ) -> Tensor:
        """An input of the model; only int8 has a scale if none is given."""
        scale = 0.05 if scale is None and dtype is DType.INT8 else scale
        self.inputs.append(models.tensor(shape, dtype, scale=scale, zero_point=zero_point))
        return self.inputs[-1]

    def out(self, *tensors: Tensor) -> None:
        """Outputs of the model."""
        self.outputs += tensors

    def model(self, name: str) -> Graph:
        """All of it."""
        return self.graph(*self.outputs, name=name)

    def random(
        self, *shape: int, scale: float, zero_point: int = 0, dtype: DType = DType.INT8
    ) -> Tensor:
        """A constant tensor."""
        value = self._rng.integers(dtype.min, dtype.max, shape, endpoint=True)
        return models.constant(value, dtype, scale=scale, zero_point=zero_point)

    def weighted(
        self,
        kind: str,
        source: Tensor,
        shape: Shape,
        attributes: Any,
        *,
        per_channel: bool = True,
        bias: bool = True,
        bias_type: DType | None = None,
        multiplier: float | None = None,
        zero_point: int = -5,
    ) -> Tensor:
        """A layer with weights of `shape`; a `multiplier` above 1 has weights of -1, 0 and 1."""
        dtype = source.dtype
        bias_type = bias_type or (DType.INT32 if dtype is DType.INT8 else DType.INT64)
        axis = 3 if kind == "depthwise_conv_2d" else 0
        channels = shape[axis]
        terms = math.prod(shape) // channels
        most = 127 if multiplier is None else 1
        values = self._rng.integers(-most, most + 1, shape)
        scales = _WEIGHT_SCALE * self._rng.uniform(0.2, 1.5, channels)
        weights = models.constant(
            values,
            scale=scales.tolist() if per_channel else _WEIGHT_SCALE,
            axis=axis if per_channel else 0,
        )
        inputs = [source, weights]
        if bias:
            reach = 1 << (_BIAS_BITS[dtype] if multiplier is None else 5)
            value = self._rng.integers(-reach, reach, channels)
            inputs.append(models.bias_of(source, weights, value, bias_type))
        if multiplier is None:
            multiplier = _REACH[dtype] / (_SPREAD[dtype] * math.sqrt(terms))
        scale = source.scale * _WEIGHT_SCALE / multiplier
        return self.add(kind, inputs, attributes, scale=scale, zero_point=zero_point)

    def convolve(
        self,
        source: Tensor,
        channels: int,
        size: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: Padding = SAME,
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        activation: Activation = NONE,
        **output: Any,
    ) -> Tensor:
        """CONV_2D; sizes, strides and dilations are (height, width)."""
        attributes = Conv2DAttributes(padding, *stride[::-1], activation, *dilation[::-1])
        filters = (channels, *size, source.shape[3] // groups)
        return self.weighted("conv_2d", source, filters, attributes, **output)

    def convolve_depthwise(
        self,
        source: Tensor,
        size: tuple[int, int],
        *,
        depth_multiplier: int = 1,
        stride: tuple[int, int] = (1, 1),
        padding: Padding = SAME,
        dilation: tuple[int, int] = (1, 1),
        activation: Activation = NONE,
        **output: Any,
    ) -> Tensor:
        """DEPTHWISE_CONV_2D; sizes, strides and dilations are (height, width)."""
        attributes = DepthwiseConv2DAttributes(
            padding, *stride[::-1], depth_multiplier, activation, *dilation[::-1]
        )
        filters = (1, *size, source.shape[3] * depth_multiplier)
        return self.weighted("depthwise_conv_2d", source, filters, attributes, **output)

    def connect(
        self, source: Tensor, outputs: int, *, activation: Activation = NONE, **output: Any
    ) -> Tensor:
        """FULLY_CONNECTED."""
        attributes = FullyConnectedAttributes(activation)
        filters = (outputs, source.shape[-1])
        return self.weighted("fully_connected", source, filters, attributes, **output)

    def pool(
        self,
        kind: str,
        source: Tensor,
        size: tuple[int, int],
        stride: tuple[int, int],
        padding: Padding = SAME,
        activation: Activation = NONE,
    ) -> Tensor:
        """A pool on the scale of its input."""
        attributes = Pool2DAttributes(padding, *stride[::-1], *size[::-1], activation)
        q = {"scale": source.scale, "zero_point": source.zero_point}
        return self.add(kind, [source], attributes, **q)  # type: ignore[arg-type]

    def mean(
        self, source: Tensor, *axes: int, keep_dims: bool = False, ratio: float, zero_point: int = 2
    ) -> Tensor:
        """MEAN, the input's scale `ratio` times the output's."""
        inputs = [source, self.integers(*axes)]
        scale = source.scale / ratio
        return self.add(
            "mean", inputs, MeanAttributes(keep_dims), scale=scale, zero_point=zero_point
        )

    def combine(
        self,
        kind: str,
        first: Tensor,
        second: Tensor,
        scale: float,
        zero_point: int = 0,
        activation: Activation = NONE,
    ) -> Tensor:
        """ADD, SUB or MUL."""
        attributes = BinaryAttributes(activation)
        return self.add(kind, [first, second], attributes, scale=scale, zero_point=zero_point)

    def move(self, kind: str, inputs: Sequence[Tensor], attributes: Any = None) -> Tensor:
        """An operator whose output means what its first input does."""
        q = {}
        if inputs[0].quantization is not None:
            q = {"scale": inputs[0].scale, "zero_point": inputs[0].zero_point}
        return self.add(kind, inputs, attributes, **q)  # type: ignore[arg-type]

    def reshape(self, source: Tensor, *shape: int) -> Tensor:
        """RESHAPE."""
        q = (
            {}
            if source.quantization is None
            else {"scale": source.scale, "zero_point": source.zero_point}
        )
        return self.add("reshape", [source], ReshapeAttributes(shape), shape=shape, **q)

    def padded(
        self, source: Tensor, paddings: Sequence[tuple[int, int]], value: int | None = None
    ) -> Tensor:
        """PAD, or PADV2 with a value."""
        inputs = [source, models.constant(list(paddings), DType.INT32)]
        if value is not None:
            q = {"scale": source.scale, "zero_point": source.zero_point}
            inputs.append(models.constant(value, source.dtype, **q))  # type: ignore[arg-type]
        return self.move("pad" if value is None else "padv2", inputs)

    def split(self, source: Tensor, axis: int, count: int) -> tuple[Tensor, ...]:
        """SPLIT."""
        inputs, attributes = [models.constant(axis, DType.INT32), source], SplitAttributes(count)
        part = list(source.shape)
        part[axis] //= count
        outputs = [
            dataclasses.replace(
                models.tensor(part), dtype=source.dtype, quantization=source.quantization
            )
            for _ in range(count)
        ]
        self.operators.append(models.operator("split", inputs, outputs, attributes))
        return tuple(outputs)

    def slice(
        self,
        source: Tensor,
        begins: Sequence[int],
        ends: Sequence[int],
        strides: Sequence[int],
        **masks: int,
    ) -> Tensor:
        """STRIDED_SLICE."""
        inputs = [source, *(self.integers(*values) for values in (begins, ends, strides))]
        return self.move("strided_slice", inputs, StridedSliceAttributes(**masks))

"""Models of one operator with a sliding window: convolutions and pools."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgekit.ir import DType, Graph, Operator, Tensor
from edgekit.ops import definition_of
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.pooling import Pool2DAttributes
from edgekit.ops.windows import Padding
from support import models
from support.dense import ACTIVATIONS

ACTIVATION = st.sampled_from(ACTIVATIONS)


def graph_of(operator: Operator, name: str = "model") -> Graph:
    """The operator alone."""
    return models.graph_of([operator], [operator.input(0)], [operator.output], name)


def with_output(
    kind: str,
    inputs: list[Tensor | None],
    attributes: Any,
    scale: float = 1.0,
    zero_point: int = 0,
) -> Operator:
    """An operator whose output has the shape that its rule says."""
    dtype = inputs[0].dtype if inputs[0] is not None else DType.INT8
    unknown = models.tensor([1], dtype, scale=scale, zero_point=zero_point)
    sketch = models.operator(kind, inputs, [unknown], attributes)
    (shape,) = definition_of(sketch).output_shapes(sketch)
    output = models.tensor(shape, dtype, scale=scale, zero_point=zero_point)
    return models.operator(kind, inputs, [output], attributes)


@st.composite
def _windows(draw: st.DrawFn, largest: int, dilated: bool) -> dict[str, Any]:
    """Padding, and for each axis a filter size, a stride, a dilation and a size that it fits in."""
    padding = draw(st.sampled_from(Padding))
    drawn: dict[str, Any] = {"padding": padding}
    for axis in ("height", "width"):
        taps = draw(st.integers(1, largest))
        dilation = draw(st.sampled_from((1, 1, 2, 3))) if dilated else 1
        reach = (taps - 1) * dilation + 1 if padding is Padding.VALID else 1
        drawn[axis] = {
            "taps": taps,
            "stride": draw(st.integers(1, 4)),
            "dilation": dilation,
            "size": reach + draw(st.integers(0, 8)),
        }
    return drawn


def _attributes(window: dict[str, Any], *, dilated: bool = True) -> dict[str, Any]:
    high, wide = window["height"], window["width"]
    strides = {"stride_height": high["stride"], "stride_width": wide["stride"]}
    dilations = {"dilation_height": high["dilation"], "dilation_width": wide["dilation"]}
    return {"padding": window["padding"], **strides, **(dilations if dilated else {})}


@st.composite
def _weighted(
    draw: st.DrawFn, kind: str, source: Tensor, shape: list[int], axis: int, attributes: Any
) -> Graph:
    channels = shape[axis]
    per_channel = draw(st.booleans())
    weights = models.constant(
        draw(models.values(shape)),
        scale=draw(models.channel_scales(channels) if per_channel else models.scales()),
        axis=axis if per_channel and channels > 1 else 0,
    )
    inputs: list[Tensor | None] = [source, weights]  # TFLite Micro dies of an empty third one
    if draw(st.booleans()):
        inputs.append(draw(models.layer_biases(source, weights, channels, kind)))
    scale, zero_point = (
        draw(models.output_scales(source, weights)),
        draw(models.zero_points(source.dtype)),
    )
    return graph_of(with_output(kind, inputs, attributes, scale, zero_point))


@st.composite
def conv_graphs(draw: st.DrawFn, dtype: DType = DType.INT8) -> Graph:
    """CONV_2D of any geometry, grouped ones too."""
    window = draw(_windows(4, True))
    groups, inputs, outputs = (draw(st.integers(1, n)) for n in (2, 5, 5))
    high, wide = window["height"], window["width"]
    shape = (draw(st.integers(1, 2)), high["size"], wide["size"], groups * inputs)
    attributes = Conv2DAttributes(**_attributes(window), activation=draw(ACTIVATION))
    source = draw(models.activations(shape, dtype))
    filters = [groups * outputs, high["taps"], wide["taps"], inputs]
    return draw(_weighted("conv_2d", source, filters, 0, attributes))


@st.composite
def depthwise_graphs(draw: st.DrawFn, dtype: DType = DType.INT8) -> Graph:
    """DEPTHWISE_CONV_2D of any geometry; half of the filters are 3x3."""
    window = draw(_windows(4, True))
    high, wide = window["height"], window["width"]
    if draw(st.booleans()):
        for side in (high, wide):
            side.update(taps=3, dilation=1, size=side["size"] + 2)
    channels, multiplier = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    shape = (draw(st.integers(1, 2)), high["size"], wide["size"], channels)
    attributes = DepthwiseConv2DAttributes(
        **_attributes(window), depth_multiplier=multiplier, activation=draw(ACTIVATION)
    )
    source = draw(models.activations(shape, dtype))
    filters = [1, high["taps"], wide["taps"], channels * multiplier]
    return draw(_weighted("depthwise_conv_2d", source, filters, 3, attributes))


@st.composite
def pool_graphs(draw: st.DrawFn, kind: str, dtype: DType = DType.INT8) -> Graph:
    """A pool of any geometry."""
    window = draw(_windows(5, False))
    high, wide = window["height"], window["width"]
    attributes = Pool2DAttributes(
        **_attributes(window, dilated=False),
        filter_height=high["taps"],
        filter_width=wide["taps"],
        activation=draw(ACTIVATION),
    )
    channels = draw(st.sampled_from((1, 2, 3, 4, 8, 13)))
    shape = (draw(st.integers(1, 2)), high["size"], wide["size"], channels)
    source = draw(models.activations(shape, dtype))
    return graph_of(with_output(kind, [source], attributes, source.scale, source.zero_point))


def conv(
    source: list[int], filters: list[int], *, bias: list[int] | None = None, **attributes: Any
) -> Operator:
    """A CONV_2D with scales of 1 and weights of 1, of stride 1 unless told."""
    strides = {"stride_height": 1, "stride_width": 1}
    chosen = Conv2DAttributes(**{**strides, **attributes})
    inputs = [models.tensor(source, scale=1.0), _ones(filters), _bias(bias)]
    return with_output("conv_2d", inputs, chosen)


def depthwise(source: list[int], filters: list[int], **attributes: Any) -> Operator:
    """A DEPTHWISE_CONV_2D with scales of 1 and weights of 1, of stride 1 unless told."""
    multiplier = filters[3] // source[3]
    defaults = {"stride_height": 1, "stride_width": 1, "depth_multiplier": multiplier}
    chosen = DepthwiseConv2DAttributes(**{**defaults, **attributes})
    inputs = [models.tensor(source, scale=1.0), _ones(filters), None]
    return with_output("depthwise_conv_2d", inputs, chosen)


def pool(
    kind: str,
    source: list[int],
    size: tuple[int, int],
    dtype: DType = DType.INT8,
    **attributes: Any,
) -> Operator:
    """A pool with scales of 1, of stride 1 unless told."""
    strides = {"stride_height": 1, "stride_width": 1}
    filters = {"filter_height": size[0], "filter_width": size[1]}
    chosen = Pool2DAttributes(**{**strides, **filters, **attributes})
    return with_output(kind, [models.tensor(source, dtype, scale=1.0)], chosen)


def _ones(shape: list[int]) -> Tensor:
    return models.constant(np.ones(shape, np.int8), scale=1.0)


def _bias(value: list[int] | None) -> Tensor | None:
    return None if value is None else models.constant(value, DType.INT32, scale=1.0)

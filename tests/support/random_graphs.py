"""Random graphs of several operators: what passes, plans and code generation must not break."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from edgekit.ir import DType, Graph, Tensor
from edgekit.ops.concatenation import ConcatenationAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.pack import PackAttributes
from edgekit.ops.reshape import ReshapeAttributes
from edgekit.ops.shape import ShapeAttributes
from edgekit.ops.squeeze import SqueezeAttributes
from edgekit.ops.strided_slice import StridedSliceAttributes
from edgekit.ops.windows import Padding
from support import models
from support.sketch import SCALE, ZERO_POINT, Sketch

MAX_ELEMENTS = 400
MAX_RANK = 5

Step = Callable[[st.DrawFn, Sketch, Tensor], Tensor]

_rescaled = st.sampled_from([{}, {}, {}, {"scale": SCALE / 2}, {"zero_point": ZERO_POINT - 9}])


def _reshape(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    shape = draw(st.sampled_from((source.shape, (1, source.elements), (source.elements, 1, 1))))
    inputs = [source]
    if source.shape and draw(st.booleans()):  # a scalar's shape has no elements
        inputs.append(s.add("shape", [source], ShapeAttributes(2), dtype=DType.INT32))
    return s.add("reshape", inputs, ReshapeAttributes(), shape=shape, **draw(_rescaled))


def _squeeze(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    return s.add("squeeze", [source], SqueezeAttributes(), **draw(_rescaled))


def _expand_dims(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    axis = draw(st.integers(-1, len(source.shape)))
    return s.add("expand_dims", [source, models.constant(axis, DType.INT32)])


def _transpose(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    order = draw(st.permutations(range(len(source.shape))))
    return s.add("transpose", [source, s.integers(*order)], **draw(_rescaled))


def _slice(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    begins = [draw(st.sampled_from((0, 0, size - 1))) for size in source.shape]
    strides = [draw(st.sampled_from((1, 1, 2))) if begin == 0 else -1 for begin in begins]
    bounds = [s.integers(*begins), s.integers(*source.shape), s.integers(*strides)]
    attributes = StridedSliceAttributes(end_mask=(1 << len(begins)) - 1)
    return s.add("strided_slice", [source, *bounds], attributes)


def _pad(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    some = st.sampled_from((0, 0, 0, 1, 2))
    paddings = [(draw(some), draw(some)) for _ in source.shape]
    if len(paddings) == 4 and draw(st.booleans()):
        paddings[0] = paddings[3] = (0, 0)
    value = draw(st.sampled_from((None, ZERO_POINT, -5, -128)))
    return s.pad(source, paddings, value, **(draw(_rescaled) if value is None else {}))


def _concatenation(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    inputs = [source] * draw(st.integers(1, 2))
    axis = draw(st.integers(-len(source.shape), len(source.shape) - 1))
    q = {"scale": source.scale, "zero_point": source.zero_point}
    return s.add("concatenation", inputs, ConcatenationAttributes(axis), **q)  # type: ignore[arg-type]


def _pack(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    count = draw(st.integers(1, 2))
    axis = draw(st.integers(0, len(source.shape)))
    return s.add("pack", [source] * count, PackAttributes(count, axis), **draw(_rescaled))


def _activation(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    q = {"scale": source.scale, "zero_point": source.zero_point} | draw(_rescaled)
    kinds = ("relu", "relu6", "quantize") if source.dtype is DType.INT8 else ("quantize",)
    return s.add(draw(st.sampled_from(kinds)), [source], **q)


def _retype(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    """int8 to int16, or back."""
    dtype = DType.INT16 if source.dtype is DType.INT8 else DType.INT8
    scale = SCALE / draw(st.sampled_from((1, 4, 256)))
    return s.add("quantize", [source], dtype=dtype, scale=scale)


def _dense(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    return s.dense(source, draw(st.integers(1, 4)))


def _conv(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    window = {"size": (2, 3), "padding": draw(st.sampled_from(Padding))}
    if window["padding"] is Padding.VALID and not (source.shape[1] >= 2 and source.shape[2] >= 3):
        window["size"] = (1, 1)
    if draw(st.booleans()):
        return s.depthwise(source, **window)  # type: ignore[arg-type]
    activation = draw(st.sampled_from((Activation.NONE, Activation.RELU, Activation.RELU6)))
    return s.conv(source, 2, stride=draw(st.integers(1, 2)), activation=activation, **window)  # type: ignore[arg-type]


def _max_pool(draw: st.DrawFn, s: Sketch, source: Tensor) -> Tensor:
    padding = draw(st.sampled_from(Padding))
    fits = padding is Padding.SAME or (source.shape[1] >= 3 and source.shape[2] >= 2)
    activation = draw(st.sampled_from((Activation.NONE, Activation.RELU)))
    return s.max_pool(source, (3, 2) if fits else (1, 1), padding, activation=activation)


_ANY: tuple[Step, ...] = (
    _reshape, _squeeze, _transpose, _slice, _pad, _concatenation, _activation, _activation, _dense,
    _retype,
)  # fmt: skip
_GROW: tuple[Step, ...] = (_expand_dims, _pack)
_IMAGES: tuple[Step, ...] = (_conv, _conv, _max_pool, _pad)


@st.composite
def random_graphs(draw: st.DrawFn, steps: int = 8) -> Graph:
    """Up to `steps` operators on computed tensors of a tree, with views, no-ops and dead ends."""
    s = Sketch(draw(st.integers(0, 99)))
    shape = draw(st.sampled_from(((1, 5, 4, 2), (1, 4, 4, 1), (2, 3), (1, 8))))
    tensors = [s.input(*shape, dtype=draw(st.sampled_from((DType.INT8, DType.INT8, DType.INT16))))]
    for _ in range(draw(st.integers(1, steps))):
        source = draw(st.sampled_from(tensors[-3:]))
        choices = _ANY if source.shape else (_reshape, _activation, _retype)
        if len(source.shape) < MAX_RANK:
            choices += _GROW
        if len(source.shape) == 4:
            choices += _IMAGES
        if source.elements <= MAX_ELEMENTS:
            tensors.append(draw(st.sampled_from(choices))(draw, s, source))
    others = draw(st.lists(st.sampled_from(tensors[1:]), max_size=2)) if tensors[1:] else []
    return s.graph(*dict.fromkeys([tensors[-1], *others]))

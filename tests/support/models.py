"""Graphs for tests: builders, and hypothesis strategies for what goes into them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgekit.ir import Array, DType, Graph, Operator, Quantization, Shape, Tensor

_ids = itertools.count()

#: Scales that have met rounding errors before: of converters, powers of two, and their neighbours.
AWKWARD_SCALES = tuple(
    float(np.float32(scale))
    for scale in (
        1 / 255,
        1 / 256,
        1 / 3,
        0.1,
        0.5,
        1.0,
        np.nextafter(np.float32(1), np.float32(0)),
        np.nextafter(np.float32(0.25), np.float32(1)),
        0.0235294122248888,
        0.023528477177023888,
        2**-12,
        4.0,
    )
)


def tensor(
    shape: Sequence[int],
    dtype: DType = DType.INT8,
    *,
    scale: float | Sequence[float] | None = None,
    zero_point: int | Sequence[int] = 0,
    axis: int = 0,
    constant: Any = None,
    name: str = "",
) -> Tensor:
    """A tensor with an id that no other has; `graph_of` numbers them anew.

    Args:
        shape: sizes.
        dtype: element type.
        scale: one, or one for each index along `axis`; none: not quantised.
        zero_point: likewise; one serves all.
        axis: of the scales.
        constant: its value, if it is known: anything that NumPy makes an array of.
        name: "t<id>" by default, given by `graph_of`.
    """
    value = None
    if constant is not None:
        value = np.ascontiguousarray(constant, dtype.numpy).reshape(tuple(shape))
        value.setflags(write=False)
    return Tensor(
        id=next(_ids),
        name=name,
        shape=tuple(int(size) for size in shape),
        dtype=dtype,
        quantization=None if scale is None else _quantization(scale, zero_point, axis),
        constant=value,
    )


def constant(
    value: Any,
    dtype: DType = DType.INT8,
    *,
    scale: float | Sequence[float] | None = None,
    zero_point: int | Sequence[int] = 0,
    axis: int = 0,
) -> Tensor:
    """A tensor that is known on the host, e.g. weights or a shape."""
    shape = np.asarray(value).shape
    return tensor(shape, dtype, scale=scale, zero_point=zero_point, axis=axis, constant=value)


def bias_of(source: Tensor, weights: Tensor, value: Any, dtype: DType = DType.INT32) -> Tensor:
    """A bias with the scales that TFLite Micro insists on: input times weights."""
    assert source.quantization is not None and weights.quantization is not None
    product = np.float32(source.scale) * np.array(weights.quantization.scales, np.float32)
    return constant(value, dtype, scale=product.tolist())


def operator(
    kind: str, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], attributes: Any
) -> Operator:
    """An operator; `graph_of` gives it its index."""
    return Operator(kind, 0, tuple(inputs), tuple(outputs), attributes)


def graph_of(
    operators: Sequence[Operator],
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    name: str = "model",
) -> Graph:
    """A graph whose tensors and operators are numbered in order of appearance.

    Its tensors are new objects: take them from the graph, not from what was passed in.
    """
    numbered = [dataclasses.replace(op, index=i) for i, op in enumerate(operators)]
    graph = Graph(name, tuple(numbered), tuple(inputs), tuple(outputs))
    return graph.with_tensors_replaced(
        {
            t: dataclasses.replace(t, id=i, name=t.name or f"t{i}")
            for i, t in enumerate(graph.tensors)
        }
    )


def single_operator_graph(
    kind: str,
    inputs: Sequence[Tensor | None],
    outputs: Sequence[Tensor] | Tensor,
    attributes: Any,
    name: str = "model",
) -> Graph:
    """A graph of one operator; its inputs are the operator's that are not constant."""
    results = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    fed = dict.fromkeys(t for t in inputs if t is not None and t.constant is None)
    return graph_of([operator(kind, inputs, results, attributes)], tuple(fed), results, name)


def _quantization(
    scale: float | Sequence[float], zero_point: int | Sequence[int], axis: int
) -> Quantization:
    scales = np.atleast_1d(np.asarray(scale, np.float32))
    zero_points = np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape)
    return Quantization(tuple(scales.tolist()), tuple(zero_points.tolist()), axis)


def scales() -> st.SearchStrategy[float]:
    """Scales of activations and weights: float32 from 2**-12 to 4, with awkward ones."""
    smooth = st.floats(2.0**-12, 4.0, width=32, allow_subnormal=False)
    return st.one_of(st.sampled_from(AWKWARD_SCALES), smooth)


def channel_scales(channels: int) -> st.SearchStrategy[list[float]]:
    """A scale for each of `channels`."""
    return st.lists(scales(), min_size=channels, max_size=channels)


def zero_points(dtype: DType = DType.INT8) -> st.SearchStrategy[int]:
    """Zero points of `dtype`, its ends and 0 often; int16 is symmetric."""
    if dtype is DType.INT16:
        return st.just(0)
    ends = st.sampled_from((dtype.min, 0, dtype.max))
    return st.one_of(ends, st.integers(dtype.min, dtype.max))


def shapes(
    *, min_rank: int = 1, max_rank: int = 4, min_size: int = 1, max_size: int = 6
) -> st.SearchStrategy[Shape]:
    """Small shapes."""
    size = st.integers(min_size, max_size)
    return st.lists(size, min_size=min_rank, max_size=max_rank).map(tuple)


@st.composite
def activations(draw: st.DrawFn, shape: Sequence[int], dtype: DType = DType.INT8) -> Tensor:
    """A computed tensor with one scale."""
    return tensor(shape, dtype, scale=draw(scales()), zero_point=draw(zero_points(dtype)))


@st.composite
def values(draw: st.DrawFn, shape: Sequence[int], dtype: DType = DType.INT8) -> Array:
    """Integers of `dtype`: all over its range, at its ends, all equal, or near 0.

    Elements come from a seeded generator: drawing them one by one would take most of the time.
    """
    low, high = dtype.min, dtype.max
    kind = draw(st.sampled_from(("any", "any", "ends", "low", "high", "small")))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "ends":
        return rng.choice(np.array([low, high], dtype.numpy), tuple(shape))
    if kind in ("low", "high"):
        return np.full(tuple(shape), low if kind == "low" else high, dtype.numpy)
    if kind == "small":
        low, high = max(low, -3), min(high, 3)
    return rng.integers(low, high, tuple(shape), dtype.numpy, endpoint=True)


def values_of(target: Tensor) -> st.SearchStrategy[Array]:
    """Values that `target` may take."""
    return values(target.shape, target.dtype)


def inputs_of(graph: Graph) -> st.SearchStrategy[tuple[Array, ...]]:
    """One set of inputs of `graph`."""
    return st.tuples(*(values_of(t) for t in graph.inputs))


@st.composite
def biases(draw: st.DrawFn, channels: int, reach: int = 1 << 20) -> Array:
    """A bias of [channels] in ±reach."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bound = draw(st.sampled_from((0, 100, reach)))
    return rng.integers(-bound, bound, channels, np.int64, endpoint=True)


@st.composite
def layer_biases(
    draw: st.DrawFn, source: Tensor, weights: Tensor, channels: int, kind: str
) -> Tensor:
    """A bias of a type that TFLite Micro takes for these activations."""
    types = [DType.INT32]
    if source.dtype is DType.INT16:
        types = [DType.INT64] + types * (kind != "depthwise_conv_2d")
    dtype = draw(st.sampled_from(types))
    reach = 1 << (20 if source.dtype is DType.INT8 else 30 if dtype is DType.INT32 else 38)
    return bias_of(source, weights, draw(biases(channels, reach)), dtype)


@st.composite
def output_scales(draw: st.DrawFn, source: Tensor, weights: Tensor) -> float:
    """Scales of a layer's output: any for int8, for int16 such that little saturates."""
    if source.dtype is DType.INT8:
        return draw(scales())
    assert weights.quantization is not None
    product = source.scale * max(weights.quantization.scales)
    return float(np.float32(product * 2.0 ** draw(st.floats(-6.0, 20.0))))

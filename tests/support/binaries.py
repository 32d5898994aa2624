"""Graphs and hand-made operators for the tests of ADD, SUB and MUL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from edgekit.ir import Array, DType, Graph, Operator, Shape, Tensor
from edgekit.ops import NoAttributes, definition_of, refusal
from edgekit.ops.binary import BinaryAttributes
from edgekit.ops.fixed_point import Activation
from support import models
from support.compiled import Case

_CLAMPS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


@st.composite
def broadcast_shapes(draw: st.DrawFn) -> tuple[Shape, Shape, Shape]:
    """Two shapes and what they stretch to."""
    output = draw(models.shapes(min_rank=0, max_rank=6, max_size=4))

    def narrowed() -> Shape:
        kept = tuple(size if draw(st.integers(0, 2)) else 1 for size in output)
        return kept[draw(st.integers(0, len(kept))) :] if draw(st.booleans()) else kept

    first = output if draw(st.booleans()) else narrowed()
    second = output if draw(st.booleans()) else narrowed()
    return first, second, tuple(np.broadcast_shapes(first, second))


@st.composite
def _pairs(draw: st.DrawFn, dtype: DType) -> tuple[list[Tensor], Shape]:
    """Two inputs and their common shape; one may be constant, or both the same tensor."""
    first_shape, second_shape, output_shape = draw(broadcast_shapes())
    sources = [draw(models.activations(shape, dtype)) for shape in (first_shape, second_shape)]
    which = draw(st.sampled_from((None, None, 0, 1, "same")))
    if isinstance(which, int):
        value = draw(models.values_of(sources[which]))
        q = sources[which]
        sources[which] = models.constant(value, dtype, scale=q.scale, zero_point=q.zero_point)
    elif which == "same":
        sources[1], output_shape = sources[0], first_shape
    return sources, output_shape


@st.composite
def extremum_graphs(draw: st.DrawFn, kind: str, dtype: DType) -> Graph:
    """MAXIMUM or MINIMUM of any shapes."""
    sources, output_shape = draw(_pairs(dtype))
    output = draw(models.activations(output_shape, dtype))
    return models.single_operator_graph(kind, sources, output, NoAttributes())


@st.composite
def binary_graphs(draw: st.DrawFn, kind: str, dtype: DType = DType.INT8) -> Graph:
    """ADD, SUB or MUL of any shapes, scales and activations."""
    sources, output_shape = draw(_pairs(dtype))
    output = draw(models.activations(output_shape, dtype))
    if kind == "mul" and dtype is DType.INT16:  # else nearly all products saturate
        scale = sources[0].scale * sources[1].scale * draw(st.floats(1.0, 2.0**18))
        output = models.tensor(output_shape, dtype, scale=scale)
    activation, is_pot = draw(st.sampled_from(_CLAMPS)), draw(st.booleans())
    attributes = BinaryAttributes(activation, pot_scale_int16=kind == "mul" or is_pot)
    graph = models.single_operator_graph(kind, sources, output, attributes)
    assume(refusal(graph.operators[0]) is None)  # scales may be too far apart
    return graph


def binary(
    kind: str,
    first: Tensor,
    second: Tensor,
    output: Tensor,
    activation: Activation = Activation.NONE,
    clamp: tuple[int, int] | None = None,
) -> Operator:
    """One operator."""
    return models.operator(kind, [first, second], [output], BinaryAttributes(activation, clamp))


def int16(shape: Sequence[int], scale: float = 1.0) -> Tensor:
    """An activation."""
    return models.tensor(shape, DType.INT16, scale=scale)


def int8(shape: Sequence[int], scale: float = 1.0, zero_point: int = 0) -> Tensor:
    """An activation."""
    return models.tensor(shape, scale=scale, zero_point=zero_point)


def plain(kind: str, dtype: DType, first: Any, second: Any, activation: Activation) -> Array:
    """What becomes of two constants that are not quantised."""
    a, b = models.constant(first, dtype), models.constant(second, dtype)
    shape = np.broadcast_shapes(a.shape, b.shape)
    operator = binary(kind, a, b, models.tensor(shape, dtype), activation)
    (result,) = definition_of(operator).evaluate(operator, [a.constant, b.constant])
    assert result.dtype == dtype.numpy and result.shape == shape
    return result


def results(operator: Operator, first: Any, second: Any) -> list[Any]:
    """What the operator makes of integers."""
    dtype = operator.output.dtype.numpy
    inputs = [np.array(first, dtype), np.array(second, dtype)]
    (computed,) = definition_of(operator).evaluate(operator, inputs)
    return list(computed.tolist())


def all_pairs_of_bytes(kind: str) -> list[Case]:
    """Every int8 with every other, on scales that have little in common."""
    column = np.arange(-128, 128, dtype=np.int8).reshape(256, 1)
    cases: list[Case] = []
    scales = [(0.1, 0.1, 0.1), (0.0235294122, 0.05, 0.06), (1.0, 2.0**-12, 1 / 3)]
    scales += [(2.0**-12, 2.0**-12, 4.0), (2.0**-40, 1.0, 2.0**30)]  # outputs of next to nothing
    for i, (first, second, output) in enumerate(scales):
        graph = models.single_operator_graph(
            kind,
            [int8([256, 1], first, -128), int8([256], second, 127)],
            int8([256, 256], output, 5),
            binary(kind, int8([1]), int8([1]), int8([1])).attributes,
            f"m{i}",
        )
        cases.append((graph, [(column, column.reshape(256))]))
    return cases

"""Tests of operators of one input: all integers that there are, through TFLite Micro, NumPy, C."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from edgekit.ir import Array, DType, Graph, Operator, Tensor
from edgekit.ops import NoAttributes, definition_of
from support import models
from support.batches import varied
from support.compiled import Case

SHAPES = {
    DType.INT8: ([256], [257], [2, 129], [1, 7, 37], [1, 2, 2, 65]),
    DType.INT16: ([65536], [2, 32769], [1, 5, 13108]),
}

#: Of int16 arguments of LOGISTIC and TANH: powers of two, their neighbours that TFLite Micro takes
#: for them or does not, and others.
ARGUMENT_SCALES = (
    *(2.0**n for n in (-30, -15, -13, -12, -11, -10, 0, 1)),
    *(2.0**n * (1 + off) for n in (-12, -11) for off in (-8e-4, -6e-4, 6e-4, 8e-4)),
    *(8 / 32767, 1e-3, 0.01, 1 / 3, 2.6, 1e-12),
)


@st.composite
def unary_graphs(
    draw: st.DrawFn,
    kind: str,
    dtype: DType = DType.INT8,
    *,
    attributes: st.SearchStrategy[Any] | None = None,
    output_zero_point: int | None = None,
) -> Graph:
    """One operator with room for every integer and some more, at any scales."""
    shape = draw(st.sampled_from(SHAPES[dtype]))
    source = draw(models.activations(shape, dtype))
    zero_point = output_zero_point
    if zero_point is None:
        zero_point = draw(models.zero_points(dtype))
    same = draw(st.booleans())
    scale = source.scale if same else draw(models.scales())
    output = models.tensor(shape, dtype, scale=scale, zero_point=zero_point)
    options = NoAttributes() if attributes is None else draw(attributes)
    return models.single_operator_graph(kind, [source], output, options)


def all_values(tensor: Tensor) -> Array:
    """Every value of a tensor of 8 or 16 bits, again and again until it is full."""
    values = np.arange(tensor.dtype.min, tensor.dtype.max + 1).astype(tensor.dtype.numpy)
    return np.resize(values, tensor.shape)


def check_all_values(
    check: Callable[[list[Case]], None], graphs: st.SearchStrategy[Graph], programs: int
) -> None:
    """`check` (the fixture check_kernels) on so many programs of several `graphs` each."""

    @settings(max_examples=programs, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(varied(st.lists(graphs, min_size=8, max_size=8)))
    def run(drawn: list[Graph]) -> None:
        cases: list[Case] = []
        for i, graph in enumerate(drawn):
            named = dataclasses.replace(graph, name=f"m{i}")
            cases.append((named, [(all_values(named.inputs[0]),)]))
        check(cases)

    run()


def unary(
    kind: str,
    *,
    source: tuple[float, int] = (0.5, 0),
    output: tuple[float, int] = (0.5, 0),
    types: tuple[DType, DType] = (DType.INT8, DType.INT8),
    attributes: Any = None,
) -> Operator:
    """An operator on four elements; `source` and `output` are (scale, zero point)."""
    x = models.tensor([4], types[0], scale=source[0], zero_point=source[1])
    y = models.tensor([4], types[1], scale=output[0], zero_point=output[1])
    return models.operator(kind, [x], [y], attributes or NoAttributes())


def results(operator: Operator, *values: int) -> list[int]:
    """What the operator makes of integers."""
    source = np.array(values, operator.input(0).dtype.numpy)
    (computed,) = definition_of(operator).evaluate(operator, [source])
    return [int(value) for value in computed]

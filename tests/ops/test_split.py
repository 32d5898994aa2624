from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, check_random

from edgekit import passes
from edgekit.ir import DType, Graph
from edgekit.ops import NoAttributes, UnsupportedError, definition_of
from edgekit.ops.split import SplitAttributes


def split(
    shape: Sequence[int],
    axis: int,
    count: int,
    *,
    dtype: DType = DType.INT8,
    said: int | None = None,
) -> Graph:
    source, axes = models.tensor(shape, dtype), models.constant(axis, DType.INT32)
    part = [size // count if i == axis % len(shape) else size for i, size in enumerate(shape)]
    outputs = [models.tensor(part, dtype) for _ in range(count)]
    attributes = SplitAttributes(count if said is None else said)
    return models.single_operator_graph("split", [axes, source], outputs, attributes)


@st.composite
def splits(draw: st.DrawFn) -> Graph:
    shape = list(draw(models.shapes(max_size=5)))
    axis, count = draw(st.integers(-len(shape), len(shape) - 1)), draw(st.integers(1, 4))
    shape[axis] *= count
    dtype = draw(st.sampled_from((DType.INT8, DType.INT8, DType.INT16, DType.INT32)))
    return split(shape, axis, count, dtype=dtype)


@PROGRAMS
def test_kernels_give_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_random(check_kernels, splits(), programs)


def test_parts_follow_each_other() -> None:
    (operator,) = split([2, 4], -1, 2).operators
    source = np.arange(8, dtype=np.int8).reshape(2, 4)
    parts = definition_of(operator).evaluate(operator, [np.array(-1), source])
    assert [part.tolist() for part in parts] == [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]


def test_a_part_that_nobody_reads_needs_no_other(check_kernels: Callable[..., None]) -> None:
    graph = split([1, 6], 1, 3)
    alone = models.graph_of(graph.operators, graph.inputs, graph.outputs[1:2])
    source = np.arange(6, dtype=np.int8).reshape(1, 6)
    check_kernels([(alone, [(source,)])])


def test_parts_of_a_constant_are_known() -> None:
    value = models.constant(np.arange(6).reshape(2, 3), scale=1.0)
    parts = [models.tensor([1, 3], scale=1.0) for _ in range(2)]
    sums = [models.tensor([1, 3], scale=1.0) for _ in range(2)]
    source = models.tensor([1, 3], scale=1.0)
    operators = [
        models.operator(
            "split", [models.constant(0, DType.INT32), value], parts, SplitAttributes(2)
        ),
        *(
            models.operator("maximum", [source, part], [total], NoAttributes())
            for part, total in zip(parts, sums, strict=True)
        ),
    ]
    folded = passes.run(models.graph_of(operators, [source], sums))
    assert [operator.kind for operator in folded.operators] == ["maximum", "maximum"]
    constants = [operator.input(1).constant for operator in folded.operators]
    assert [None if c is None else c.tolist() for c in constants] == [[[0, 1, 2]], [[3, 4, 5]]]


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (split([5], 0, 2), "5 elements make no 2 equal parts"),
        (split([4], 0, 2, said=3), "it has 2 outputs"),
    ],
)
def test_what_makes_no_sense_is_refused(graph: Graph, reason: str) -> None:
    (operator,) = graph.operators
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


def test_an_axis_or_type_that_does_not_fit_is_refused() -> None:
    source, output = models.tensor([4]), models.tensor([4])
    for axis, target, reason in (
        (models.constant(1, DType.INT32), output, "axis 1 of 1 dimensions"),
        (models.tensor([1], DType.INT32), output, "its axis: computed, not constant"),
        (models.constant([0, 0], DType.INT32), output, "it has 2 axes"),
        (models.constant(0, DType.INT32), models.tensor([4], DType.INT16), "int8 becomes int16"),
    ):
        operator = models.operator("split", [axis, source], [target], SplitAttributes(1))
        with pytest.raises(UnsupportedError, match=reason):
            definition_of(operator).check(operator)

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, varied
from support.compiled import Case
from support.lookups import check_all_values, unary

from edgekit.ir import DType, Graph
from edgekit.ops import NoAttributes, UnsupportedError, definition_of


@st.composite
def dequantizes(draw: st.DrawFn) -> Graph:
    shape = draw(st.sampled_from(([256], [3, 100], [1, 1, 2, 130])))
    source, output = draw(models.activations(shape)), models.tensor(shape, DType.FLOAT32)
    return models.single_operator_graph("dequantize", [source], output, NoAttributes())


@PROGRAMS
def test_kernels_give_the_oracles_floats(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_values(check_kernels, dequantizes(), programs)


@PROGRAMS
def test_int16_become_the_oracles_floats(check_kernels: Callable[..., None], programs: int) -> None:
    every = np.arange(-(1 << 15), 1 << 15).astype(np.int16)
    pairs = st.tuples(models.scales(), st.sampled_from((0, 0, 5, -32768)))

    @settings(max_examples=programs, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(varied(st.lists(pairs, min_size=4)))
    def run(quantizations: list[tuple[float, int]]) -> None:
        cases: list[Case] = []
        for scale, zero_point in quantizations[:4]:
            source = models.tensor([1 << 16], DType.INT16, scale=scale, zero_point=zero_point)
            output = models.tensor([1 << 16], DType.FLOAT32)
            graph = models.single_operator_graph("dequantize", [source], output, NoAttributes())
            cases.append((graph, [(every,)]))
        check_kernels(cases)

    run()


def edges(first: float, second: float) -> Graph:
    """float32 in, int8 within, float32 out."""
    x, y = models.tensor([1, 5], DType.FLOAT32), models.tensor([1, 5], DType.FLOAT32)
    a = models.tensor([1, 5], scale=first, zero_point=-4)
    b = models.tensor([1, 5], scale=second, zero_point=9)
    steps = [("quantize", x, a), ("relu", a, b), ("dequantize", b, y)]
    operators = [models.operator(kind, [i], [o], NoAttributes()) for kind, i, o in steps]
    return models.graph_of(operators, [x], [y])


def test_a_model_with_float_edges(check_kernels: Callable[..., None]) -> None:
    @settings(max_examples=3, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(models.scales(), models.scales(), st.integers(0, 2**32 - 1))
    def run(first: float, second: float, seed: int) -> None:
        values = np.random.default_rng(seed).normal(size=(2, 1, 5)).astype(np.float32)
        cases: list[Case] = [(edges(first, second), [(value,) for value in values])]
        check_kernels(cases)

    run()


def test_the_product_is_rounded_to_float32_once() -> None:
    operator = unary("dequantize", source=(0.1, 3), types=(DType.INT8, DType.FLOAT32))
    (computed,) = definition_of(operator).evaluate(operator, [np.array([3, 4, -128], np.int8)])
    tenth = float(np.float32(0.1))
    assert computed.dtype == np.float32
    assert computed.tolist() == [0.0, tenth, float(np.float32(-131 * tenth))]


def test_a_constant_may_have_a_scale_for_each_channel() -> None:
    source = models.constant([[1, 2], [3, 4]], scale=[0.5, 2.0], zero_point=[0, 1], axis=1)
    operator = models.operator(
        "dequantize", [source], [models.tensor([2, 2], DType.FLOAT32)], NoAttributes()
    )
    (computed,) = definition_of(operator).evaluate(operator, [source.constant])
    assert computed.tolist() == [[0.5, 2.0], [1.5, 6.0]]
    with pytest.raises(UnsupportedError, match="has no single scale"):
        definition_of(operator).check(operator)


@pytest.mark.parametrize("dtype", [DType.BOOL, DType.UINT8, DType.INT32])
def test_other_types_are_refused(dtype: DType) -> None:
    operator = unary("dequantize", types=(dtype, DType.FLOAT32))
    with pytest.raises(UnsupportedError, match=f"{dtype.value} to float32 is not supported"):
        definition_of(operator).check(operator)

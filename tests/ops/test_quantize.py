from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support import models
from support.batches import PROGRAMS, varied
from support.compiled import Case
from support.lookups import check_all_values, results, unary

from edgekit.ir import Array, DType, Graph, Tensor
from edgekit.ops import NoAttributes, UnsupportedError, definition_of

BYTES = [(DType.INT8, DType.INT8), (DType.INT8, DType.UINT8), (DType.UINT8, DType.INT8)]


@st.composite
def byte_graphs(draw: st.DrawFn) -> Graph:
    kinds = draw(st.sampled_from(BYTES))
    source = draw(models.activations([2, 129], kinds[0]))
    zero_point = draw(models.zero_points(kinds[1]))
    if draw(st.booleans()):  # the same reals
        shift = (kinds[1].min - kinds[0].min) if kinds[0] is not kinds[1] else 0
        zero_point = source.zero_point + shift
    scale = source.scale if draw(st.booleans()) else draw(models.scales())
    output = models.tensor([2, 129], kinds[1], scale=scale, zero_point=zero_point)
    return models.single_operator_graph("quantize", [source], output, NoAttributes())


#: The pairs of which one has 16 bits.
WIDE = [(DType.INT8, DType.INT16), (DType.INT16, DType.INT8), (DType.INT16, DType.INT16)]


@st.composite
def wide_graphs(draw: st.DrawFn) -> Graph:
    """With room for all integers of 16 bits."""
    kinds = draw(st.sampled_from(WIDE))
    shape = [1 << 16] if kinds[0] is DType.INT16 else [256]
    points = [draw(st.sampled_from((0, 0, 3, kind.min, kind.max))) for kind in kinds]
    source = models.tensor(shape, kinds[0], scale=draw(models.scales()), zero_point=points[0])
    ratio = draw(st.sampled_from((1.0, 256.0, 1 / 256, 0.3, 77.7, 1e-7)))
    scale = float(np.float32(source.scale / ratio))
    output = models.tensor(shape, kinds[1], scale=scale, zero_point=points[1])
    return models.single_operator_graph("quantize", [source], output, NoAttributes())


def all_integers(tensor: Tensor) -> Array:
    dtype = tensor.dtype
    return np.arange(dtype.min, dtype.max + 1).astype(dtype.numpy)


@st.composite
def float_cases(draw: st.DrawFn, dtype: DType) -> list[Case]:
    """Reals around every integer of the output, halves above all, and their neighbours."""
    cases: list[Case] = []
    for i in range(8):
        shape = draw(models.shapes(max_rank=4))
        output = draw(models.activations(shape, dtype))
        graph = models.single_operator_graph(
            "quantize", [models.tensor(shape, DType.FLOAT32)], output, NoAttributes(), f"m{i}"
        )
        seeds = draw(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2))
        inputs = [(reals(output.scale, shape, seed),) for seed in seeds]
        cases.append((dataclasses.replace(graph), inputs))
    return cases


def reals(scale: float, shape: tuple[int, ...], seed: int) -> Array:
    rng = np.random.default_rng(seed)
    reach = rng.choice([600, 140_000])
    halves = (rng.integers(-reach, reach, shape) / 2).astype(np.float32) * np.float32(scale)
    neighbours = np.nextafter(halves, rng.choice([-np.inf, np.inf], shape).astype(np.float32))
    smooth = (rng.normal(size=shape) * 100 * scale).astype(np.float32)
    huge = (rng.normal(size=shape) * 1e6 * scale).astype(np.float32)
    kind = rng.integers(0, 8, shape)
    return np.select([kind < 3, kind < 5, kind < 7], [halves, neighbours, smooth], huge).astype(
        np.float32
    )


@PROGRAMS
def test_bytes_become_the_oracles_bytes(check_kernels: Callable[..., None], programs: int) -> None:
    check_all_values(check_kernels, byte_graphs(), programs)


@PROGRAMS
def test_all_integers_become_the_oracles(check_kernels: Callable[..., None], programs: int) -> None:
    @settings(max_examples=programs, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(varied(st.lists(wide_graphs(), min_size=6, max_size=6)))
    def run(graphs: list[Graph]) -> None:
        check_kernels([(graph, [(all_integers(graph.inputs[0]),)]) for graph in graphs])

    run()


@PROGRAMS
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_floats_become_the_oracles_bytes(
    check_kernels: Callable[..., None], dtype: DType, programs: int
) -> None:
    @settings(max_examples=programs, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(varied(float_cases(dtype)))
    def run(cases: list[Case]) -> None:
        check_kernels(cases)

    run()


def test_halves_are_rounded_away_from_zero() -> None:
    operator = unary("quantize", output=(0.5, 1), types=(DType.FLOAT32, DType.INT8))
    source = np.array([0.25, -0.25, 0.75, 0.2499, -0.2499, 1e9, -1e9], np.float32)
    (computed,) = definition_of(operator).evaluate(operator, [source])
    assert computed.tolist() == [2, 0, 3, 1, 1, 127, -128]


@pytest.mark.parametrize(
    ("dtype", "zero_point"),
    [
        *((DType.INT8, zero_point) for zero_point in (-128, -3, 0, 127)),
        *((DType.INT16, zero_point) for zero_point in (-32768, 0, 32767)),
    ],
)
def test_what_tflite_micro_leaves_undefined_saturates(
    check_kernels: Callable[..., None], dtype: DType, zero_point: int
) -> None:
    source = models.tensor([8], DType.FLOAT32)
    output = models.tensor([8], dtype, scale=1e-5, zero_point=zero_point)
    graph = models.single_operator_graph("quantize", [source], output, NoAttributes())
    odd = np.array([np.nan, -np.nan, np.inf, -np.inf, 3e38, -3e38, 3e6, -3e6], np.float32)
    check_kernels([(graph, [(odd,)])], with_oracle=False)
    operator = graph.operators[0]
    (computed,) = definition_of(operator).evaluate(operator, [odd])
    assert computed.tolist() == [zero_point] * 2 + [dtype.max, dtype.min] * 3


def test_between_quantisations() -> None:
    operator = unary("quantize", source=(0.5, 3), output=(0.25, -7))
    assert results(operator, 3, 4, 2, 127, -128) == [-7, -5, -9, 127, -128]
    operator = unary("quantize", source=(1, 128), output=(1, 0), types=BYTES[2])
    assert results(operator, 0, 128, 255) == [-128, 0, 127]


def test_the_same_quantisation_is_the_widest_clamp() -> None:
    same = unary("quantize")
    assert definition_of(same).output_clamp(same) == (-128, 127)
    wide = unary("quantize", types=WIDE[2])
    assert definition_of(wide).output_clamp(wide) == (-32768, 32767)
    for types in WIDE:
        other = unary("quantize", types=types, output=(0.25, 0))
        assert definition_of(other).output_clamp(other) is None
    floats = unary("quantize", types=(DType.FLOAT32, DType.INT8))
    assert definition_of(floats).output_clamp(floats) is None


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        ((DType.FLOAT32, DType.UINT8), "float32 to uint8 is not supported"),
        ((DType.INT16, DType.INT32), "int16 to int32 is not supported"),
        ((DType.UINT8, DType.INT16), "uint8 to int16 is not supported"),
        ((DType.UINT8, DType.UINT8), "uint8 to uint8 is not supported"),
        ((DType.INT32, DType.INT8), "int32 to int8 is not supported"),
    ],
)
def test_types_without_a_kernel_are_refused(types, reason) -> None:
    operator = unary("quantize", types=types)
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


@pytest.mark.parametrize(("types", "scale"), [(BYTES[0], 2.0**-20), (WIDE[2], 2.0**-12)])
def test_scales_too_far_apart_are_refused(types: tuple[DType, DType], scale: float) -> None:
    operator = unary("quantize", source=(4.0, 0), output=(scale, 0), types=types)
    with pytest.raises(UnsupportedError, match="its output's scale is too small"):
        definition_of(operator).check(operator)

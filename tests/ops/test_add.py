from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st
from support import compiled, models
from support.batches import PROGRAMS, check_random
from support.binaries import all_pairs_of_bytes, binary, binary_graphs, int8, int16, plain, results

from edgekit.ir import DType
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.binary import BinaryAttributes
from edgekit.ops.broadcast import Loop, broadcast_shape, loops
from edgekit.ops.fixed_point import Activation

NO_LONG_MULTIPLY = (*compiled.WARNINGS, "-DEK_NO_LONG_MULTIPLY=1")


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, binary_graphs("add", dtype), programs)


@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
def test_the_form_without_64_bit_products_gives_the_same_bytes(
    check_kernels: Callable[..., None], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(compiled, "WARNINGS", NO_LONG_MULTIPLY)
    graphs = st.one_of(*(binary_graphs(kind, dtype) for dtype in (DType.INT8, DType.INT16)))
    check_random(check_kernels, graphs, 1)


@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
def test_all_pairs_of_bytes(check_kernels: Callable[..., None], kind: str) -> None:
    check_kernels(all_pairs_of_bytes(kind))


@pytest.mark.parametrize("flags", [compiled.WARNINGS, NO_LONG_MULTIPLY])
def test_sums_of_int16_at_its_ends(
    check_kernels: Callable[..., None], monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    monkeypatch.setattr(compiled, "WARNINGS", flags)
    ends = [-32768, -32767, -16385, -16384, -1, 0, 1, 2, 16383, 16384, 32766, 32767]
    row = np.array(ends, np.int16)
    cases = []
    scales = [(0.1, 0.1, 0.1), (1.0, 1.0, 2.0**-12), (1.0, 2.0**-10, 1 / 3), (0.3, 0.7, 2.0**16)]
    scales += [(2.0**-12, 1.0, 2.0**-12), (2.0**-40, 1.0, 2.0**30)]
    for kind, (first, second, output) in itertools.product(("add", "sub"), scales):
        graph = models.single_operator_graph(
            kind,
            [int16([len(ends), 1], first), int16([len(ends)], second)],
            int16([len(ends), len(ends)], output),
            BinaryAttributes(),
        )
        cases.append((graph, [(row.reshape(-1, 1), row)]))
    check_kernels(cases)


def test_sums_of_int16_are_finer_than_a_byte() -> None:
    operator = binary("add", int16([3], 0.5), int16([3], 0.25), int16([3], 0.125))
    assert results(operator, [300, -8000, 20000], [-100, 16000, 1]) == [1000, 0, 32767]
    needs = definition_of(operator).kernel(operator)
    assert (needs.kernel, needs.template) == ("add_s16", "add")


def test_sums_of_reals() -> None:
    same = binary("add", int8([4]), int8([4]), int8([4]))
    assert results(same, [1, 2, -100, 100], [1, -5, -100, 100]) == [2, -3, -128, 127]
    scaled = binary("add", int8([2], 0.5, 1), int8([2], 0.25, -2), int8([2], 0.125, 10))
    # (3 - 1) / 2 + (4 + 2) / 4 = 2.5, or 20 eighths; 0 + 0 = 0
    assert results(scaled, [3, 1], [4, -2]) == [30, 10]


def test_the_activation_and_an_added_clamp_both_hold() -> None:
    operator = binary("add", int8([3]), int8([3]), int8([3]), Activation.RELU6, clamp=(2, 100))
    assert results(operator, [-50, 3, 50], [0, 0, 0]) == [2, 3, 6]
    needs = definition_of(operator).kernel(operator)
    assert (needs.parameters["min"], needs.parameters["max"]) == (2, 6)


def test_the_input_with_the_greater_scale_comes_first() -> None:
    for scales, order in (((1.0, 1.0), (0, 1)), ((2.0, 1.0), (0, 1)), ((1.0, 2.0), (1, 0))):
        operator = binary("add", int8([1], scales[0]), int8([1], scales[1]), int8([1]))
        assert definition_of(operator).kernel(operator).parameters["order"] == order


def test_int32_wraps_and_forgets_its_activation_and_float_does_neither() -> None:
    assert plain("add", DType.INT32, [2**31 - 1, -5], [1], Activation.RELU).tolist() == [
        -(2**31),
        -4,
    ]
    assert plain("add", DType.INT32, 3, 4, Activation.NONE).tolist() == 7
    with pytest.raises(UnsupportedError, match="int16 is not supported"):
        plain("add", DType.INT16, 3, 4, Activation.NONE)
    assert plain("add", DType.FLOAT32, [-1.5, 9], [0.25], Activation.RELU6).tolist() == [0, 6]


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (binary("add", int8([2]), int8([3]), int8([3])), r"shapes \[2\] and \[3\] do not fit"),
        (binary("add", int8([1]), int8([1]), int8([1], 2.0**-18)), "far too small"),
        (
            binary("add", int8([1]), int8([1]), int8([1]), Activation.TANH),
            "fused activation TANH",
        ),
        (
            binary("add", models.tensor([1], DType.INT32), int8([1]), int8([1])),
            "int32 is not supported",
        ),
        (binary("add", int16([1]), int8([1]), int16([1])), "int8 becomes int16"),
        (
            binary(
                "add",
                int16([1]),
                models.tensor([1], DType.INT16, scale=1.0, zero_point=1),
                int16([1]),
            ),
            "is int16 with a zero point",
        ),
        (binary("add", int16([1]), int16([1]), int16([1], 2.0**-13)), "far too small"),
        (
            binary(
                "add", models.constant([1], scale=1.0), models.constant([1], scale=1.0), int8([1])
            ),
            "both inputs are constant",
        ),
    ],
)
def test_what_the_kernel_cannot_compute_is_refused(operator, reason) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


@pytest.mark.parametrize(
    ("first", "second", "shape", "expected"),
    [
        ((), (), (), [Loop(1, (1, 1))]),
        ((2, 3, 4), (2, 3, 4), (2, 3, 4), [Loop(24, (1, 1))]),
        ((2, 3, 4), (), (2, 3, 4), [Loop(24, (1, 0))]),
        ((1, 1), (5, 4), (5, 4), [Loop(20, (0, 1))]),
        ((1, 5, 7, 4), (4,), (1, 5, 7, 4), [Loop(4, (1, 1)), Loop(35, (4, 0))]),
        ((5, 7, 4), (5, 7, 1), (5, 7, 4), [Loop(4, (1, 0)), Loop(35, (4, 1))]),
        ((3, 1), (1, 2), (3, 2), [Loop(2, (0, 1)), Loop(3, (1, 0))]),
        (
            (2, 1, 2, 1, 2, 1),
            (1, 2, 1, 2, 1, 2),
            (2, 2, 2, 2, 2, 2),
            [Loop(2, step) for step in ((0, 1), (1, 0), (0, 2), (2, 0), (0, 4), (4, 0))],
        ),
    ],
)
def test_shapes_become_the_fewest_loops(first, second, shape, expected) -> None:
    assert broadcast_shape(first, second) == shape
    assert list(loops(first, second)) == expected

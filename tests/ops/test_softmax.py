from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st
from support import compiled, models
from support.batches import PROGRAMS, check_random

from edgekit.ir import DType, Graph, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.softmax import SoftmaxAttributes, exponentials


def softmax(
    shape: list[int],
    scale: float = 0.1,
    beta: float = 1.0,
    output: tuple[float, int] = (1 / 256, -128),
) -> Operator:
    source = models.tensor(shape, scale=scale, zero_point=7)
    target = models.tensor(shape, scale=output[0], zero_point=output[1])
    return models.operator("softmax", [source], [target], SoftmaxAttributes(beta))


def softmax_s16(
    shape: list[int],
    scale: float = 1e-3,
    beta: float = 1.0,
    output: float = 2.0**-15,
    zero_point: int = 0,
) -> Operator:
    source = models.tensor(shape, DType.INT16, scale=scale, zero_point=zero_point)
    target = models.tensor(shape, DType.INT16, scale=output)
    return models.operator("softmax", [source], [target], SoftmaxAttributes(beta))


def graph_of(operator: Operator, name: str = "model") -> Graph:
    return models.graph_of([operator], [operator.input(0)], [operator.output], name)


@st.composite
def softmaxes(draw: st.DrawFn, dtype: DType = DType.INT8) -> Graph:
    shape = draw(models.shapes(max_rank=4, max_size=9))
    shape = (*shape[:-1], draw(st.sampled_from((1, 2, 3, 10, 35, 300))))
    beta = draw(st.one_of(st.just(1.0), st.floats(0.0625, 20.0, width=32)))
    if dtype is DType.INT16:
        scale = draw(st.floats(2.0**-17, 2.0**-6, width=32)) / beta
        return graph_of(softmax_s16(list(shape), float(np.float32(scale)), beta))
    return graph_of(softmax(list(shape), draw(models.scales()), beta))


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@PROGRAMS
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], programs: int, dtype: DType
) -> None:
    check_random(check_kernels, softmaxes(dtype), programs)


def test_the_form_without_64_bit_products_gives_the_same_bytes(
    check_kernels: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "WARNINGS", (*compiled.WARNINGS, "-DEK_NO_LONG_MULTIPLY=1"))
    check_random(check_kernels, st.one_of(softmaxes(), softmaxes(DType.INT16)), 1)


def test_every_difference_at_scales_of_every_magnitude(
    check_kernels: Callable[..., None],
) -> None:
    rows = np.stack([np.arange(-128, 128), np.arange(127, -129, -1)]).astype(np.int8)
    cases = []
    for i, exponent in enumerate(range(-25, 7)):
        graph = graph_of(softmax([2, 256], 2.0**exponent * 1.1), f"m{i}")
        cases.append((graph, [(rows,), (np.clip(rows, 100, 127),)]))
    check_kernels(cases)


def test_every_difference_of_int16(check_kernels: Callable[..., None]) -> None:
    values = np.arange(-32768, 32768)
    rows = np.stack([values, np.full(65536, 32767)], axis=1).astype(np.int16)
    cases = []
    for scale, beta in ((10 / 65535, 1.0), (1e-3, 1.0), (0.5, 9.9), (1e-12, 1.0), (0.01, 0.0)):
        cases.append((graph_of(softmax_s16([65536, 2], scale, beta)), [(rows,)]))
    check_kernels(cases)


def test_sums_of_int16_of_every_magnitude(check_kernels: Callable[..., None]) -> None:
    """Each reciprocal that there is, and sums up to the greatest."""
    steps = np.arange(0, 32767, 7)
    rows = np.stack([steps, np.full(len(steps), 32767), np.full(len(steps), 32767)], axis=1)
    cases = [(graph_of(softmax_s16([len(steps), 3], 1e-4)), [(rows.astype(np.int16),)])]
    for depth in (3, 4, 5, 511, 512, 4096, 65536):
        ramp = np.linspace(-32768, 32767, depth).astype(np.int16)
        inputs = [(np.zeros(depth, np.int16),), (ramp,)]
        cases.append((graph_of(softmax_s16([depth], 1e-4)), inputs))
    check_kernels(cases)


def test_int16_is_near_the_real_function() -> None:
    operator = softmax_s16([1, 10])
    values = np.arange(-5000, 5000, 1000).astype(np.int16).reshape(1, 10)
    (computed,) = definition_of(operator).evaluate(operator, [values])
    real = np.exp(values * 1e-3)
    assert np.abs(computed - 32768 * real / real.sum()).max() <= 8


def test_it_is_near_the_real_function() -> None:
    operator = softmax([1, 10], scale=0.05)
    values = np.arange(-50, 50, 10).astype(np.int8).reshape(1, 10)
    (computed,) = definition_of(operator).evaluate(operator, [values])
    real = np.exp(values * 0.05)
    assert np.abs(computed - (256 * real / real.sum() - 128)).max() <= 0.51


def test_one_class_saturates_and_two_share() -> None:
    operator = softmax([2])
    for values, expected in (([5, 5], [0, 0]), ([127, -128], [127, -128])):
        (computed,) = definition_of(operator).evaluate(operator, [np.array(values, np.int8)])
        assert computed.tolist() == expected


def test_511_equal_classes_are_the_most_that_tflite_micro_survives(
    check_kernels: Callable[..., None],
) -> None:
    most, more, many = softmax([511]), softmax([512]), softmax([4095])
    check_kernels([(graph_of(most), [(np.zeros(511, np.int8),)])])
    cases = [
        (graph_of(more, "m0"), [(np.zeros(512, np.int8),)]),
        (graph_of(many, "m1"), [(np.full(4095, 127, np.int8),)]),
    ]
    check_kernels(cases, with_oracle=False)
    (computed,) = definition_of(many).evaluate(many, [np.full(4095, 127, np.int8)])
    assert set(computed.tolist()) == {-128}


def test_the_table_ends_where_exponentials_no_longer_count() -> None:
    steep, flat = softmax([10], scale=1.0), softmax([10], scale=2.0**-10)
    table = definition_of(steep).kernel(steep).constants["exps"]
    assert table[0] == 2**31 - 1 and table[-1] == 0 and len(table) == 15  # exp(-13.9) is 2**-20
    assert np.all(np.diff(exponentials(steep)) <= 0)
    assert len(definition_of(flat).kernel(flat).constants["exps"]) == 256


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (softmax([]), "its input is a scalar"),
        (softmax([4], output=(1 / 255, -128)), "scale is not 1/256"),
        (softmax([4], output=(1 / 256, 0)), "zero point is not -128"),
        (softmax([4], beta=0.0), "its beta or its input's scale is too small"),
        (softmax([4096]), "4096 classes"),
        (
            models.operator(
                "softmax",
                [models.tensor([1], scale=1.0)],
                [models.tensor([1], DType.INT16, scale=1.0)],
                SoftmaxAttributes(1.0),
            ),
            "int8 becomes int16",
        ),
        (softmax_s16([4], zero_point=1), "is int16 with a zero point"),
        (softmax_s16([4], output=1 / 32000), "scale is not 1/32768"),
        (softmax_s16([4], beta=-1.0), "its beta is negative"),
        (softmax_s16([4], 5.1), "its beta or its input's scale is too large"),
        (softmax_s16([65537]), "more than 65536 classes"),
    ],
)
def test_what_the_kernel_cannot_compute_is_refused(operator, reason) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import compiled
from support.batches import PROGRAMS, check_random
from support.convolutions import depthwise, depthwise_graphs, graph_of

from edgekit.ir import Array, DType, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.windows import Padding


def evaluated(operator: Operator, value: Array) -> Array:
    inputs = [value, operator.input(1).constant, None]
    return definition_of(operator).evaluate(operator, inputs)[0]


@PROGRAMS
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], dtype: DType, programs: int
) -> None:
    check_random(check_kernels, depthwise_graphs(dtype), programs)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_the_form_without_64_bit_products_gives_the_same_bytes(
    check_kernels: Callable[..., None], dtype: DType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "WARNINGS", (*compiled.WARNINGS, "-DEK_NO_LONG_MULTIPLY=1"))
    check_random(check_kernels, depthwise_graphs(dtype), 1)


def test_output_channels_of_one_input_channel_lie_side_by_side() -> None:
    operator = depthwise([1, 1, 1, 2], [1, 1, 1, 6])
    out = evaluated(operator, np.array([3, 5], np.int8).reshape(1, 1, 1, 2))
    assert out.reshape(-1).tolist() == [3, 3, 3, 5, 5, 5]


def test_an_odd_padding_total_puts_more_behind() -> None:
    operator = depthwise([1, 1, 4, 1], [1, 1, 3, 1], stride_width=2)
    out = evaluated(operator, np.array([1, 10, 100, 20], np.int8).reshape(1, 1, 4, 1))
    assert out.reshape(-1).tolist() == [111, 120]


@pytest.mark.parametrize("filters", [(3, 3), (2, 4)])
def test_explicit_paddings_are_those_of_a_pad_before_it(
    check_kernels: Callable[..., None], filters: tuple[int, int]
) -> None:
    rng, cases = np.random.default_rng(0), []
    for pads in ((1, 2, 0, 3), (4, 4, 4, 4), (0, 0, 5, 0)):
        stride = {"stride_height": 2, "stride_width": 1}
        padded = depthwise([1, 4, 5, 2], [1, *filters, 4], pads=pads, **stride)
        top, bottom, left, right = pads
        height, width = 4 + top + bottom, 5 + left + right
        valid = depthwise([1, height, width, 2], [1, *filters, 4], padding=Padding.VALID, **stride)
        value = rng.integers(-9, 9, (1, 4, 5, 2), np.int8)
        by_hand = np.pad(value, ((0, 0), (top, bottom), (left, right), (0, 0)))
        np.testing.assert_array_equal(evaluated(padded, value), evaluated(valid, by_hand))
        cases.append((graph_of(padded), [(value,)]))
    check_kernels(cases, with_oracle=False)


def test_the_dilation_of_a_single_tap_does_not_matter(check_kernels: Callable[..., None]) -> None:
    # TFLite Micro's own product of it and a row overflows here
    operator = depthwise([1, 1, 257, 256], [1, 1, 2, 256], dilation_height=32_767)
    value = np.arange(257 * 256).astype(np.int8).reshape(1, 1, 257, 256)
    check_kernels([(graph_of(operator), [(value,)])], with_oracle=False)


@pytest.mark.parametrize(
    ("changes", "kernel"),
    [
        ({}, "3x3_s8"),
        ({"stride_width": 3, "stride_height": 9}, "3x3_s8"),
        ({"stride_width": 9, "stride_height": 3}, "3x3_s8"),
        ({"stride_width": 4, "stride_height": 4}, "s8"),
        ({"dilation_width": 2}, "s8"),
    ],
)
def test_3x3_filters_have_a_kernel_of_their_own(changes: dict[str, int], kernel: str) -> None:
    operator = depthwise([1, 20, 20, 2], [1, 3, 3, 2], **changes)
    needs = definition_of(operator).kernel(operator)
    assert needs.kernel == f"depthwise_conv_2d_{kernel}"


def test_the_inner_loop_goes_along_the_longer_side() -> None:
    for height, width, longer in ((25, 5, 25), (5, 25, 25), (7, 7, 7)):
        operator = depthwise([1, height, width, 4], [1, 3, 3, 4])
        parameters = definition_of(operator).kernel(operator).parameters
        assert parameters["along"]["out_size"] == longer
        assert {parameters["along"]["in_step"], parameters["across"]["in_step"]} == {4, 4 * width}


def test_macs_count_the_padding_too() -> None:
    operator = depthwise([2, 4, 4, 3], [1, 3, 3, 6], stride_width=2)
    assert definition_of(operator).macs(operator) == 2 * 4 * 2 * 6 * 9


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (depthwise([1, 4, 4, 2], [1, 1, 1, 4], depth_multiplier=3), "4 outputs are not 2 channels"),
        (depthwise([1, 4, 4, 2], [2, 1, 1, 4]), "its weights have 2 filters, not 1"),
        (depthwise([1, 2, 4, 2], [1, 3, 1, 2], padding=Padding.VALID), "larger than its input"),
        (depthwise([1, 2, 257, 256], [1, 2, 1, 256], dilation_height=32_767), "elements apart"),
    ],
)
def test_what_the_kernel_cannot_compute_is_refused(operator: Operator, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)

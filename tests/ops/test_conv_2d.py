from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from support import compiled, models
from support.batches import PROGRAMS, check_random
from support.convolutions import conv, conv_graphs, graph_of, with_output

from edgekit.ir import DType, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.fixed_point import Activation
from edgekit.ops.windows import Padding, axis


def evaluated(operator: Operator, value: object) -> list[object]:
    source = np.asarray(value, np.int8).reshape(operator.input(0).shape)
    constants = [None if t is None else t.constant for t in operator.inputs[1:]]
    (out,) = definition_of(operator).evaluate(operator, [source, *constants])
    return out.reshape(out.shape[1:3]).tolist()


@PROGRAMS
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], dtype: DType, programs: int
) -> None:
    check_random(check_kernels, conv_graphs(dtype), programs)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_the_form_without_64_bit_products_gives_the_same_bytes(
    check_kernels: Callable[..., None], dtype: DType, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ("-DEK_NO_LONG_MULTIPLY=1", "-D__ARM_ARCH_6M__=1")
    monkeypatch.setattr(compiled, "WARNINGS", (*compiled.WARNINGS, *flags))
    check_random(check_kernels, conv_graphs(dtype), 1)


def test_sums_beyond_32_bits_wrap_as_the_oracles_do(check_kernels: Callable[..., None]) -> None:
    source = models.tensor([1, 1, 2, 4], scale=1.0, zero_point=-128)
    weights = models.constant(np.full([3, 1, 1, 4], 127), scale=[1e-9, 0.5, 1.0])
    bias = models.bias_of(source, weights, [2**31 - 1, -(2**31), 2**31 - 5])
    attributes = Conv2DAttributes(Padding.VALID, 1, 1)
    operator = with_output("conv_2d", [source, weights, bias], attributes, 2.0**20, 3)
    check_kernels([(graph_of(operator), [(np.full([1, 1, 2, 4], 127, np.int8),)])])


def test_an_odd_padding_total_puts_more_behind() -> None:
    # 4 inputs, stride 2, 3 taps: 2 outputs, one padding in all, behind
    operator = conv([1, 1, 4, 1], [1, 1, 3, 1], stride_width=2)
    assert evaluated(operator, [1, 10, 100, 20]) == [[111, 120]]
    # 2 taps, stride 1: one in all, behind
    assert evaluated(conv([1, 2, 1, 1], [1, 2, 1, 1]), [3, 4]) == [[7], [4]]


def test_dilation_spreads_the_taps_and_the_bias_is_added_once() -> None:
    attributes = {"padding": Padding.VALID, "dilation_width": 2}
    operator = conv([1, 1, 5, 1], [1, 1, 3, 1], bias=[-5], **attributes)
    assert evaluated(operator, [1, 2, 4, 8, 16]) == [[16]]


def test_padding_counts_as_the_zero_point() -> None:
    operator = conv([1, 1, 2, 1], [1, 1, 3, 1])
    source = models.tensor([1, 1, 2, 1], scale=1.0, zero_point=50)
    operator = dataclasses.replace(operator, inputs=(source, *operator.inputs[1:]))
    assert evaluated(operator, [51, 52]) == [[3, 3]]


def test_each_group_of_outputs_sees_its_own_inputs() -> None:
    operator = conv([1, 1, 1, 4], [2, 1, 1, 2])
    source = np.array([1, 2, 30, 40], np.int8).reshape(1, 1, 1, 4)
    weights = operator.input(1).constant
    (out,) = definition_of(operator).evaluate(operator, [source, weights, None])
    assert out.reshape(-1).tolist() == [3, 70]


def test_explicit_paddings_are_those_of_a_pad_before_it(check_kernels: Callable[..., None]) -> None:
    pads, rng = (1, 2, 0, 3), np.random.default_rng(0)
    cases = []
    for filters, strides in (
        ([3, 2, 3, 2], (1, 2)),
        ([3, 1, 1, 2], (1, 1)),
        ([2, 3, 3, 1], (2, 1)),
    ):
        stride = {"stride_height": strides[0], "stride_width": strides[1]}
        padded = conv([1, 4, 5, 2], filters, pads=pads, **stride)
        value = rng.integers(-9, 9, (1, 4, 5, 2), np.int8)
        valid = conv([1, 7, 8, 2], filters, padding=Padding.VALID, **stride)
        by_hand = np.pad(value, ((0, 0), (1, 2), (0, 3), (0, 0)))
        (expected,) = definition_of(valid).evaluate(valid, [by_hand, valid.input(1).constant, None])
        (got,) = definition_of(padded).evaluate(padded, [value, padded.input(1).constant, None])
        np.testing.assert_array_equal(got, expected)
        cases.append((graph_of(padded), [(value,)]))
    check_kernels(cases, with_oracle=False)


def test_only_windows_too_large_for_the_stack_need_scratch() -> None:
    def scratch(**changes: object) -> int:
        sizes = {"source": [1, 4, 4, 6], "filters": [2, 1, 1, 6], **changes}
        operator = conv(sizes.pop("source"), sizes.pop("filters"), **sizes)
        return definition_of(operator).kernel(operator).scratch_bytes

    assert scratch() == 0
    assert scratch(stride_width=2, stride_height=3) == 0
    assert scratch(filters=[2, 3, 2, 6]) == 0
    assert scratch(filters=[2, 4, 6, 6]) == 0  # two windows of 144 bytes
    assert scratch(filters=[2, 5, 5, 6]) == 2 * 150


def test_one_scale_for_all_channels_is_stored_once() -> None:
    operator = conv([1, 4, 4, 2], [5, 1, 1, 2])
    needs = definition_of(operator).kernel(operator)
    assert needs.constants["multiplier"].shape == needs.constants["shift"].shape == (1,)
    assert needs.parameters["requant_step"] == 0
    assert needs.constants["bias"].shape == (5,)


def test_macs_count_the_padding_too() -> None:
    operator = conv([2, 4, 4, 3], [5, 3, 3, 3], stride_width=2)
    assert definition_of(operator).macs(operator) == 2 * 4 * 2 * 5 * 27


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [  # size, filter, stride, dilation: outputs, padding in front, (begin, end) of full windows
        ((32, 3, 1, 1, Padding.SAME), (32, 1, (1, 31))),
        ((32, 3, 2, 1, Padding.SAME), (16, 0, (0, 15))),
        ((49, 10, 2, 1, Padding.SAME), (25, 4, (2, 22))),
        ((5, 3, 1, 2, Padding.SAME), (5, 2, (2, 3))),
        ((3, 3, 1, 3, Padding.SAME), (3, 3, (3, 3))),
        ((2, 5, 1, 1, Padding.SAME), (2, 2, (2, 2))),
        ((7, 1, 4, 1, Padding.SAME), (2, 0, (0, 2))),
        ((5, 3, 2, 1, Padding.VALID), (2, 0, (0, 2))),
        ((5, 3, 1, 3, Padding.VALID), (-1, 0, (-1, -1))),
        ((4, 3, 1, 1, Padding.SAME, (0, 0)), (2, 0, (0, 2))),
        ((4, 3, 2, 1, Padding.VALID, (5, 1)), (4, 5, (3, 4))),
    ],
)
def test_windows_along_an_axis(arguments, expected) -> None:
    window = axis(*arguments)
    assert (window.outputs, window.before, window.full) == expected


REFUSED = [
    (conv([1, 2, 2, 1], [1, 3, 3, 1], padding=Padding.VALID), "larger than its input"),
    (conv([1, 4, 4, 3], [2, 1, 1, 2]), "no whole number of channel groups"),
    (conv([1, 4, 4, 4], [3, 1, 1, 2]), "3 outputs do not divide into 2 groups"),
    (conv([1, 4, 4, 1], [1, 1, 1, 1], activation=Activation.TANH), "fused activation TANH"),
    (conv([1, 1, 1, 65536], [1, 1, 1, 65536]), "65536 weights for each output are too many"),
    (conv([1, 1, 1, 1], [1, 1, 1, 1], stride_width=40_000), "40000 as stride"),
]


@pytest.mark.parametrize(("operator", "reason"), REFUSED, ids=[r for _, r in REFUSED])
def test_what_the_kernel_cannot_compute_is_refused(operator: Operator, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


def test_a_stride_of_0_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="a stride, dilation or filter size is 0"):
        conv([1, 4, 4, 1], [1, 1, 1, 1], stride_width=0)


@pytest.mark.parametrize(
    ("index", "changes", "reason"),
    [
        (0, {"dtype": DType.INT16}, "int16 becomes int8"),
        (0, {"dtype": DType.UINT8}, "uint8 is not supported, only int8 and int16"),
        (0, {"shape": (4, 4, 1)}, "its input has 3 dimensions, not 4"),
        (1, {"dtype": DType.INT16}, "its weights are int16, not int8"),
        (1, {"constant": None}, "its weights are not constant"),
        (2, {"dtype": DType.INT64}, "its bias is int64, not int32"),
        (2, {"shape": (3,)}, "its bias has a wrong size"),
    ],
)
def test_inputs_of_the_wrong_kind_are_refused(index, changes, reason) -> None:
    operator = conv([1, 4, 4, 1], [2, 1, 1, 1], bias=[1, 2])
    inputs = list(operator.inputs)
    inputs[index] = dataclasses.replace(operator.input(index), **changes)
    wrong = dataclasses.replace(operator, inputs=tuple(inputs))
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(wrong).check(wrong)


def test_scales_that_differ_too_much_are_refused() -> None:
    operator = conv([1, 1, 1, 1], [1, 1, 1, 1])
    far = dataclasses.replace(operator, outputs=(models.tensor([1, 1, 1, 1], scale=2.0**-31),))
    with pytest.raises(UnsupportedError, match="its scales differ too much"):
        definition_of(far).check(far)


def test_an_output_of_another_shape_is_refused() -> None:
    operator = conv([1, 4, 4, 1], [2, 1, 1, 1])
    wrong = dataclasses.replace(operator, outputs=(models.tensor([1, 3, 4, 2], scale=1.0),))
    with pytest.raises(UnsupportedError, match="its window gives 4x4"):
        definition_of(wrong).check(wrong)


def test_a_clamp_narrows_the_activation() -> None:
    operator = conv([1, 1, 1, 1], [1, 1, 1, 1], activation=Activation.RELU6)
    clamped = definition_of(operator).clamped(operator, 2, 9)
    assert clamped is not None
    assert [evaluated(clamped, [x]) for x in (-5, 4, 90)] == [[[2]], [[4]], [[6]]]
    parameters = definition_of(clamped).kernel(clamped).parameters
    assert (parameters["output_min"], parameters["output_max"]) == (2, 6)

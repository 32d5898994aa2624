from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from support import compiled, models
from support.batches import PROGRAMS, check_random
from support.convolutions import with_output
from support.dense import dense_graphs

from edgekit.ir import DType, Operator
from edgekit.ops import UnsupportedError, definition_of
from edgekit.ops.fixed_point import Activation
from edgekit.ops.fully_connected import FullyConnectedAttributes

KERNEL_FLAGS = ("-DEK_NO_LONG_MULTIPLY=1", "-D__ARM_ARCH_6M__=1")


def dense(
    source: list[int],
    weights: object,
    *,
    scale: float | list[float] = 1.0,
    bias: list[int] | None = None,
    **attributes: object,
) -> Operator:
    inputs = [
        models.tensor(source, scale=1.0, zero_point=2),
        models.constant(weights, scale=scale),
        None if bias is None else models.constant(bias, DType.INT32, scale=1.0),
    ]
    return with_output("fully_connected", inputs, FullyConnectedAttributes(**attributes))


def evaluated(operator: Operator, value: object) -> list[object]:
    constants = [None if t is None else t.constant for t in operator.inputs[1:]]
    source = np.asarray(value, np.int8)
    return definition_of(operator).evaluate(operator, [source, *constants])[0].tolist()


@PROGRAMS
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_kernels_give_the_oracles_bytes(
    check_kernels: Callable[..., None], dtype: DType, programs: int
) -> None:
    check_random(check_kernels, dense_graphs(dtype), programs)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_the_forms_for_small_cores_give_the_same_bytes(
    check_kernels: Callable[..., None], dtype: DType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "WARNINGS", (*compiled.WARNINGS, *KERNEL_FLAGS))
    check_random(check_kernels, dense_graphs(dtype), 1)


def test_sums_of_products_of_inputs_less_their_zero_point() -> None:
    operator = dense([2, 3], [[1, 2, 3], [-1, 0, 1]], bias=[10, 0])
    assert evaluated(operator, [[2, 2, 2], [3, 4, 5]]) == [[10, 0], [24, 2]]


def test_the_activation_and_an_added_clamp_both_hold() -> None:
    operator = dense([3, 1], [[1]], activation=Activation.RELU6)
    clamped = definition_of(operator).clamped(operator, 2, 100)
    assert clamped is not None
    assert evaluated(clamped, [[-50], [5], [50]]) == [[2], [3], [6]]


def test_shapes_with_and_without_the_leading_dimensions() -> None:
    weights = np.ones([4, 3])
    assert dense([2, 5, 3], weights).output.shape == (10, 4)
    assert dense([2, 5, 3], weights, keep_num_dims=True).output.shape == (2, 5, 4)
    assert dense([2, 6], weights).output.shape == (4, 4)


def test_one_scale_for_all_outputs_is_stored_once() -> None:
    for scale, stored, step in ((1.0, 1, 0), ([1.0, 2.0], 2, 1)):
        operator = dense([1, 3], np.ones([2, 3]), scale=scale)
        needs = definition_of(operator).kernel(operator)
        assert needs.constants["multiplier"].shape == needs.constants["shift"].shape == (stored,)
        assert needs.parameters["requant_step"] == step


def test_the_zero_point_is_folded_into_the_bias() -> None:
    operator = dense([1, 3], [[1, 2, 3], [-1, 0, 1]], bias=[100, 200])
    bias = definition_of(operator).kernel(operator).constants["bias"]
    assert bias.tolist() == [100 - 2 * 6, 200]


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (dense([1, 3], np.ones([2, 3]), weights_format=1), "its weights are shuffled"),
        (dense([1, 65536], np.ones([1, 65536])), "65536 weights for each output are too many"),
        (dense([1, 3], np.ones([2, 3]), bias=[1]), "its bias has a wrong size"),
        (dense([1, 3], np.ones([2, 3]), activation=Activation.TANH), "fused activation TANH"),
    ],
)
def test_what_the_kernel_cannot_compute_is_refused(operator: Operator, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        definition_of(operator).check(operator)


def test_weights_that_are_not_a_matrix_are_refused() -> None:
    operator = dense([1, 3], np.ones([2, 3]))
    cube = models.constant(np.ones([2, 3, 1]), scale=1.0)
    wrong = dataclasses.replace(operator, inputs=(operator.input(0), cube))
    with pytest.raises(UnsupportedError, match="its weights are not a matrix"):
        definition_of(wrong).check(wrong)

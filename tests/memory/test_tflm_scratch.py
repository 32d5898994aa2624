"""Scratch as the libraries' own buffer size functions give it.

The figures of CMSIS-NN and ESP-NN are those of their functions, compiled and called once, for these
shapes.
"""

from __future__ import annotations

import pytest

from edgekit.ir import DType, Operator, Tensor
from edgekit.memory.tflm_scratch import KERNEL_LIBRARIES, KernelLibrary, scratch_requests
from edgekit.ops.conv_2d import Conv2DAttributes
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2DAttributes
from edgekit.ops.windows import Padding, axes


def tensor(*shape: int, dtype: DType = DType.INT8) -> Tensor:
    return Tensor(0, "", shape, dtype)


def window(
    shape: tuple[int, int, int], size: tuple[int, int], outputs: int, stride: int, same: bool
) -> Operator:
    """A convolution; `outputs` below 0: a depthwise one with so many outputs for each input."""
    padding = Padding.SAME if same else Padding.VALID
    source, deep = tensor(1, *shape), outputs < 0
    channels = -outputs * shape[2] if deep else outputs
    weights = tensor(1, *size, channels) if deep else tensor(channels, *size, shape[2])
    kind = "depthwise_conv_2d" if deep else "conv_2d"
    make = DepthwiseConv2DAttributes if deep else Conv2DAttributes
    attributes = make(padding=padding, stride_width=stride, stride_height=stride)
    y, x = axes(attributes, source, size)
    output = tensor(1, y.outputs, x.outputs, channels)
    return Operator(kind, 0, (source, weights), (output,), attributes)


CASES = [
    (((8, 8, 16), (1, 1), 24, 1, True), 0, 0, 704),
    (((8, 8, 12), (1, 1), 8, 1, True), 0, 0, 1472),
    (((2, 2, 16), (1, 1), 8, 1, True), 0, 0, 192),
    (((8, 8, 16), (1, 1), 8, 2, True), 0, 0, 352),
    (((32, 32, 3), (3, 3), 16, 1, True), 112, 128, 704),
    (((49, 10, 1), (10, 4), 64, 2, True), 160, 192, 3472),
    (((9, 9, 20), (3, 3), 7, 1, False), 720, 768, 3452),
    (((9, 9, 16), (2, 3), 7, 2, False), 384, 384, 2876),
    (((25, 5, 64), (3, 3), -1, 1, True), 0, 4464, 12688),
    (((48, 48, 32), (3, 3), -1, 1, True), 0, 4464, 5104),
    (((9, 9, 16), (3, 3), -1, 2, False), 0, 4464, 1760),
    (((9, 9, 8), (3, 3), -1, 1, True), 0, 4464, 1472),
    (((9, 9, 24), (3, 3), -1, 1, True), 0, 4464, 8352),
    (((12, 12, 16), (5, 5), -1, 1, True), 800, 12400, 5440),
    (((40, 40, 32), (5, 5), -1, 1, True), 1600, 12400, 14432),
    (((6, 7, 5), (3, 3), -1, 1, True), 0, 4464, 1264),
    (((6, 7, 2), (3, 3), -4, 1, True), 0, 0, 344),
    (((6, 7, 2), (3, 3), -3, 1, False), 0, 0, 32),
    (((6, 7, 1), (5, 2), -16, 1, True), 0, 224, 436),
]


@pytest.mark.parametrize(("case", "cmsis_nn", "mve", "esp32s3"), CASES)
def test_convolutions_ask_for_what_their_library_says(
    case: tuple[tuple[int, int, int], tuple[int, int], int, int, bool],
    cmsis_nn: int,
    mve: int,
    esp32s3: int,
) -> None:
    operator = window(*case)
    assert sum(scratch_requests(operator, "cmsis_nn")) == cmsis_nn
    assert sum(scratch_requests(operator, "cmsis_nn_mve")) == mve
    assert sum(scratch_requests(operator, "esp_nn_s3")) == esp32s3
    for library in ("reference", "esp_nn"):
        assert scratch_requests(operator, library) == ()


@pytest.mark.parametrize("library", KERNEL_LIBRARIES)
def test_mean_asks_for_sums_and_two_lists_of_axes_everywhere(library: KernelLibrary) -> None:
    operator = Operator("mean", 0, (tensor(1, 4, 4, 8), tensor(2)), (tensor(1, 8),), None)
    assert scratch_requests(operator, library) == (32, 16, 8)


def test_a_pool_and_a_softmax_ask_where_the_library_needs_it() -> None:
    pool = Operator("average_pool_2d", 0, (tensor(1, 4, 4, 8),), (tensor(1, 2, 2, 8),), None)
    softmax = Operator("softmax", 0, (tensor(1, 12),), (tensor(1, 12),), None)
    assert {name: scratch_requests(pool, name) for name in KERNEL_LIBRARIES} == {
        "reference": (),
        "cmsis_nn": (32,),
        "cmsis_nn_mve": (),
        "esp_nn": (),
        "esp_nn_s3": (),
    }
    assert scratch_requests(softmax, "esp_nn") == scratch_requests(softmax, "esp_nn_s3") == (48,)


@pytest.mark.parametrize("library", KERNEL_LIBRARIES)
def test_an_operator_that_no_kernel_will_run_asks_for_nothing(library: KernelLibrary) -> None:
    for kind in ("conv_2d", "depthwise_conv_2d", "fully_connected", "mean", "softmax", "custom:x"):
        attributes = Conv2DAttributes(stride_width=1, stride_height=1)
        operator = Operator(kind, 0, (tensor(),), (tensor(),), attributes)
        assert scratch_requests(operator, library) in ((), (4,))

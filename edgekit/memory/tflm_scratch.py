"""The scratch that kernels of TensorFlow Lite Micro ask for in the arena's head, by library.

Read from the Prepare functions in tensorflow/lite/micro/kernels (August 2026) with its folders
cmsis_nn and esp_nn, and from the buffer size functions that they call: of CMSIS-NN (July 2026, as
gcc compiles it) and ESP-NN 1.2.3 (April 2026). Other versions may ask for other sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from edgekit.ir import DType, Operator
from edgekit.memory.tflm_scratch_esp32s3 import conv_scratch, depthwise_scratch
from edgekit.ops import UnsupportedError

#: Whose kernels a device has: TensorFlow Lite Micro's own; those of CMSIS-NN, on cores with and
#: without the vector extension MVE (Cortex-M55, M85); those of ESP-NN, on the ESP32-S3 and on
#: other ESP32. Kernels that a library lacks are the reference ones.
KernelLibrary = Literal["reference", "cmsis_nn", "cmsis_nn_mve", "esp_nn", "esp_nn_s3"]

KERNEL_LIBRARIES: tuple[KernelLibrary, ...] = get_args(KernelLibrary)

#: Channels that CMSIS-NN's depthwise convolution takes at a time where there is MVE.
_MVE_CHANNELS = 124

Requests = tuple[int, ...]


def scratch_requests(operator: Operator, library: KernelLibrary) -> Requests:
    """Sizes in bytes of the buffers that `operator` asks for, in order.

    Operators of kinds that edgekit has no file for are covered if TensorFlow Lite Micro's own
    kernel needs none, or is TRANSPOSE_CONV, ADD_N or MIRROR_PAD. Custom operators are not. The
    sums of weights that FULLY_CONNECTED makes for MVE count as kept: edgekit/memory/tflm_tail.py.
    """
    rule = _OPTIMISED[library].get(operator.kind) or _REFERENCE.get(operator.kind)
    if rule is None:
        return ()
    try:
        return tuple(size for size in rule(operator) if size > 0)
    except (ValueError, IndexError, UnsupportedError):
        return ()  # a tensor is missing or has another rank: no kernel will run this


def _is_int8(operator: Operator) -> bool:
    return operator.input(0).dtype is DType.INT8


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _mean(operator: Operator) -> Requests:
    sums = 4 * operator.output.elements if operator.input(0).dtype is not DType.FLOAT32 else 0
    return (sums, *_iteration(operator))


def _iteration(operator: Operator) -> Requests:
    return (4 * len(operator.input(0).shape), 4 * operator.input(1).elements)


def _transpose_conv(operator: Operator) -> Requests:
    bias = operator.optional_input(3)
    wide = 8 * bias.elements if bias is not None and bias.dtype is DType.INT16 else 0
    sums = {DType.INT8: 4, DType.INT16: 8}.get(operator.output.dtype, 0)
    return (sums * operator.output.elements, wide)


def _add_n(operator: Operator) -> Requests:
    return (8 * len(operator.inputs),)


def _mirror_pad(operator: Operator) -> Requests:
    return (4 * len(operator.input(0).shape),) * 2


def _window(operator: Operator) -> int:
    """Products of each output of a convolution."""
    _, height, width, _ = operator.input(1).shape
    return height * width * operator.input(0).shape[3]


def _cmsis_conv(operator: Operator, lanes_bytes: int) -> Requests:
    """Windows as columns, 2 of int16 or 4 of int8, a whole number of lanes long."""
    size = operator.input(0).dtype.size_bytes
    _, height, width, _ = operator.input(1).shape
    if height == width == 1 and size == 1:
        return ()
    return (_up(4 * _window(operator) * size, 4 * lanes_bytes),)


def _cmsis_depthwise(operator: Operator) -> Requests:
    _, height, width, channels = operator.input(1).shape
    if not _is_plain_depthwise(operator) or height == width == 3:
        return ()  # 3x3 has a function of its own, which needs none
    return (2 * channels * height * width,)


def _mve_depthwise(operator: Operator) -> Requests:
    _, height, width, channels = operator.input(1).shape
    if _is_int8(operator) and operator.input(0).shape[3] == 1 < channels:
        return (4 * _up(height * width, 16) + channels * height * width,)  # as a convolution
    if not _is_plain_depthwise(operator):
        return ()
    return (4 * _MVE_CHANNELS * height * width,)


def _is_plain_depthwise(operator: Operator) -> bool:
    """True for one output for each input of int8, without dilation: CMSIS-NN's fast case."""
    source, attributes = operator.input(0), operator.attributes
    dilation = (attributes.dilation_height, attributes.dilation_width)
    alone = source.shape[0] == 1 and source.shape[3] == operator.output.shape[3]
    return _is_int8(operator) and alone and dilation == (1, 1)


def _cmsis_dense(operator: Operator) -> Requests:
    weights = operator.input(1).quantization
    per_tensor = weights is not None and weights.per_tensor
    as_conv = len(operator.output.shape) > 2 and operator.input(1).shape[-1] % 4 == 0
    per_channel_bytes = 8 * operator.output.shape[-1]
    return (per_channel_bytes,) if _is_int8(operator) and as_conv and per_tensor else ()


def _cmsis_average_pool(operator: Operator) -> Requests:
    return (4 * operator.input(0).shape[-1],)


def _esp_softmax(operator: Operator) -> Requests:
    shape = operator.input(0).shape
    return (4 * shape[min(1, len(shape) - 1)],) if _is_int8(operator) else ()


def _esp32s3_conv(operator: Operator) -> Requests:
    return (conv_scratch(operator),) if _is_int8(operator) else ()


def _esp32s3_depthwise(operator: Operator) -> Requests:
    return (depthwise_scratch(operator),) if _is_int8(operator) else ()


_Rule = Callable[[Operator], Requests]

_REFERENCE: Mapping[str, _Rule] = {
    "mean": _mean,
    "sum": _mean,
    "reduce_max": _iteration,
    "reduce_min": _iteration,
    "reduce_all": _iteration,
    "transpose_conv": _transpose_conv,
    "add_n": _add_n,
    "mirror_pad": _mirror_pad,
}

_OPTIMISED: Mapping[KernelLibrary, Mapping[str, _Rule]] = {
    "reference": {},
    "cmsis_nn": {
        "conv_2d": lambda operator: _cmsis_conv(operator, 4),
        "depthwise_conv_2d": _cmsis_depthwise,
        "fully_connected": _cmsis_dense,
        "average_pool_2d": _cmsis_average_pool,
    },
    "cmsis_nn_mve": {
        "conv_2d": lambda operator: _cmsis_conv(operator, 16),
        "depthwise_conv_2d": _mve_depthwise,
        "fully_connected": _cmsis_dense,
    },
    "esp_nn": {"softmax": _esp_softmax},
    "esp_nn_s3": {
        "conv_2d": _esp32s3_conv,
        "depthwise_conv_2d": _esp32s3_depthwise,
        "softmax": _esp_softmax,
    },
}

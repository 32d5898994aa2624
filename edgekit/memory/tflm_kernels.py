"""What each kernel of TensorFlow Lite Micro keeps in the arena: sizes of its structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit.memory.tflm_scratch import KernelLibrary


@dataclass(frozen=True, slots=True)
class Structures:
    """sizeof, in bytes, of the largest that any version or library has."""

    options_bytes: int  # the operator's options, as parsed (TfLiteConvParams, …)
    with_4_byte_pointers: int = 0  # the kernel's own structure (OpDataConv, …)
    with_8_byte_pointers: int = 0
    more_in_cmsis_nn: int = 0  # by how much CMSIS-NN's is larger, where that is much

    def kernel_bytes(self, pointer_bytes: int, library: KernelLibrary) -> int:
        """Of the kernel's own structure; 0 if it has none."""
        own = self.with_4_byte_pointers if pointer_bytes == 4 else self.with_8_byte_pointers
        return own + (self.more_in_cmsis_nn if library in ("cmsis_nn", "cmsis_nn_mve") else 0)


#: For operators that are not listed. SVDF, LSTM and DETECTION_POSTPROCESS may need more.
UNKNOWN = Structures(40, 112, 128)

_NONE = Structures(0)

#: By Operator.kind. Compilers with compression in TensorFlow Lite Micro, as the oracle, have
#: structures of the second size; devices are built without it.
STRUCTURES: Mapping[str, Structures] = {
    "add": Structures(8, 60, 60),
    "average_pool_2d": Structures(40, 36, 36),
    "cast": Structures(8),
    "concatenation": Structures(8, 24, 80),
    "conv_2d": Structures(28, 60, 80),
    "depthwise_conv_2d": Structures(28, 60, 80),
    "dequantize": Structures(0, 32, 32),
    "expand_dims": _NONE,
    "fill": _NONE,
    "fully_connected": Structures(36, 48, 80, 32),  # options of 32 bytes, aligned to 8
    "gather": Structures(8),
    "hard_swish": Structures(0, 20, 20),
    "leaky_relu": Structures(4, 32, 32),
    "logistic": Structures(0, 16, 16),
    "max_pool_2d": Structures(40, 36, 36),
    "maximum": _NONE,
    "mean": Structures(1, 44, 44),
    "minimum": _NONE,
    "mul": Structures(4, 36, 36),
    "pack": Structures(8),
    "pad": Structures(1, 56, 56),
    "padv2": Structures(1, 56, 56),
    "quantize": Structures(0, 32, 32),
    "range": _NONE,
    "reduce_max": Structures(1, 44, 44),
    "relu": Structures(0, 28, 28),
    "relu6": Structures(0, 8, 8),
    "reshape": Structures(36),
    "resize_nearest_neighbor": Structures(2),
    "shape": Structures(4),
    "softmax": Structures(4, 64, 80),
    "split": Structures(4),
    "squeeze": Structures(36),
    "strided_slice": Structures(24, 84, 84),
    "sub": Structures(8, 56, 56),
    "tanh": Structures(0, 16, 16),
    "transpose": _NONE,
}

"""How each TFLite operator is quantised: one row for each that TFLite Micro has kernels for.

Source: the TensorFlow Lite 8-bit quantization specification (ai.google.dev, "LiteRT 8-bit
quantization specification"): which scales are fixed, which tensors share one, which axis weights
are quantised along. Where the kernels of TFLite Micro ask for more (equal scales around pools, for
example), the row says what they ask for. Which kernels there are was found with the pinned
`tflite-micro` package; a test asks it again for each row. Kernels that LiteRT lacks do not count
(ADD_N and CUMSUM in int8, SQUARED_DIFFERENCE in int16): what they cost could not be measured.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgekit.conversion.quantization.options import Precision
from edgekit.ir import DType, Operator


class Shares(enum.Enum):
    """Which tensors of an operator must have one scale and zero point."""

    NOTHING = enum.auto()
    FIRST = enum.auto()  # the outputs have those of input 0
    ALL = enum.auto()  # all real inputs have those of the output


class Gain(enum.Enum):
    """How an output's least scale follows from its inputs' scales.

    Kernels multiply by a ratio of scales in fixed point, which may not be too large; an output
    whose range is tiny beside its inputs' gets a wider one.
    """

    NONE = enum.auto()
    RATIO = enum.auto()  # input / output
    SUM = enum.auto()  # largest input / output, after a left shift
    PRODUCT = enum.auto()  # input * input / output
    WEIGHTED = enum.auto()  # input * weights / output
    HARD_SWISH = enum.auto()  # input / output, less than 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one operator is quantised."""

    int8: bool = True  # TFLite Micro and LiteRT have kernels for it
    int16: bool = False
    floats: bool = True
    weights: int | None = None  # the input that holds constant weights, int8 in any case
    axis: int = 0  # of the weights' scales
    bias: int | None = None
    shares: Shares = Shares.NOTHING
    fixed: tuple[float, int] | None = None  # int8 scale and zero point of the output
    fixed16: float | None = None  # int16 scale of the output
    alpha: int | None = None  # an input that is int8 also beside int16
    gain: Gain = Gain.RATIO
    fuses: bool = False  # can clamp its output by itself
    matters: tuple[float, float] = (-math.inf, math.inf)  # inputs beyond give what its ends give
    int8_matters: tuple[float, float] = (-math.inf, math.inf)  # likewise, to within half a step

    def has(self, precision: Precision) -> bool:
        """True if there is a kernel."""
        kernels = {
            Precision.INT8: self.int8,
            Precision.INT16X8: self.int16,
            Precision.FLOAT: self.floats,
        }
        return kernels[precision]


_INT8_UNIT: Final = 1 / 256  # of what lies in 0..1
_INT16_UNIT: Final = 2**-15  # of what lies in -1..1


def _weighted(*, weights: int = 1, bias: int = 2, axis: int = 0, fuses: bool = True) -> Rule:
    return Rule(int16=True, weights=weights, bias=bias, axis=axis, gain=Gain.WEIGHTED, fuses=fuses)


def _moves(*, int16: bool = False) -> Rule:
    """Values go through as they are."""
    return Rule(int16=int16, shares=Shares.FIRST, gain=Gain.NONE)


def _joins(*, int16: bool = True) -> Rule:
    """Values of several inputs meet in one output as they are."""
    return Rule(int16=int16, shares=Shares.ALL, gain=Gain.NONE)


def _floats() -> Rule:
    """TFLite Micro or LiteRT computes it in float only."""
    return Rule(int8=False, gain=Gain.NONE)


#: By the stem that edgekit.ir calls an operator by: TFLite's name in lower case.
RULES: Final[Mapping[str, Rule]] = {
    # weights
    "conv_2d": _weighted(),
    "depthwise_conv_2d": _weighted(axis=3),
    "fully_connected": _weighted(),
    "transpose_conv": _weighted(bias=3, fuses=False),
    "batch_matmul": Rule(int16=True, gain=Gain.PRODUCT),
    # arithmetic
    "add": Rule(int16=True, gain=Gain.SUM, fuses=True),
    "sub": Rule(int16=True, gain=Gain.SUM, fuses=True),
    "mul": Rule(int16=True, gain=Gain.PRODUCT, fuses=True),
    "div": Rule(gain=Gain.NONE),
    "squared_difference": Rule(gain=Gain.SUM),
    "add_n": _floats(),
    "abs": Rule(int16=True),
    "rsqrt": Rule(int16=True, gain=Gain.NONE),
    "mean": Rule(int16=True),
    "sum": Rule(int16=True),
    "cumsum": _floats(),
    "maximum": _joins(),
    "minimum": _joins(),
    "reduce_max": _moves(),
    "reduce_min": _moves(),
    # activations
    "relu": Rule(int16=True, matters=(0.0, math.inf)),
    "relu6": Rule(int16=True, shares=Shares.FIRST, gain=Gain.NONE, matters=(0.0, 6.0)),
    "leaky_relu": Rule(int16=True),
    "prelu": Rule(int16=True, alpha=1),
    "elu": Rule(),
    "hard_swish": Rule(gain=Gain.HARD_SWISH, matters=(-3.0, math.inf)),
    "logistic": Rule(
        int16=True,
        fixed=(_INT8_UNIT, -128),
        fixed16=_INT16_UNIT,
        gain=Gain.NONE,
        int8_matters=(-8.0, 8.0),
    ),
    "tanh": Rule(
        int16=True, fixed=(2**-7, 0), fixed16=_INT16_UNIT, gain=Gain.NONE, int8_matters=(-4.0, 4.0)
    ),
    "softmax": Rule(int16=True, fixed=(_INT8_UNIT, -128), fixed16=_INT16_UNIT, gain=Gain.NONE),
    "log_softmax": Rule(fixed=(2**-4, 127), gain=Gain.NONE),
    "l2_normalization": Rule(fixed=(2**-7, 0), gain=Gain.NONE),
    # pools and resizing
    "average_pool_2d": _moves(int16=True),
    "max_pool_2d": _moves(int16=True),
    "resize_bilinear": _moves(),
    "resize_nearest_neighbor": _moves(int16=True),
    # what only moves values
    "batch_to_space_nd": _moves(),
    "concatenation": _joins(),
    "depth_to_space": _moves(),
    "expand_dims": _moves(int16=True),
    "gather": _moves(),
    "gather_nd": _moves(),
    "mirror_pad": _moves(),
    "pack": _joins(),
    "pad": _moves(int16=True),
    "padv2": _joins(),
    "reshape": _moves(int16=True),
    "reverse_v2": _moves(int16=True),
    "select_v2": _joins(),
    "slice": _moves(int16=True),
    "space_to_batch_nd": _moves(),
    "space_to_depth": _moves(),
    "split": _moves(int16=True),
    "split_v": _moves(int16=True),
    "squeeze": _moves(int16=True),
    "strided_slice": _moves(int16=True),
    "transpose": _moves(int16=True),
    "unpack": _moves(int16=True),
    # what leaves the reals
    "arg_max": Rule(gain=Gain.NONE),
    "arg_min": Rule(gain=Gain.NONE),
    "equal": Rule(gain=Gain.NONE),
    "not_equal": Rule(gain=Gain.NONE),
    "greater": Rule(gain=Gain.NONE),
    "greater_equal": Rule(gain=Gain.NONE),
    "less": Rule(gain=Gain.NONE),
    "less_equal": Rule(gain=Gain.NONE),
    # in float only
    "ceil": _floats(),
    "cos": _floats(),
    "exp": _floats(),
    "floor": _floats(),
    "floor_div": _floats(),
    "floor_mod": _floats(),
    "l2_pool_2d": _floats(),
    "log": _floats(),
    "neg": _floats(),
    "round": _floats(),
    "sin": _floats(),
    "sqrt": _floats(),
    "square": _floats(),
}


def rule_of(operator: Operator) -> Rule | None:
    """Its row; None if TFLite Micro has no kernel that computes with reals, or none that we use."""
    return RULES.get(operator.kind)


def is_real(operator: Operator) -> bool:
    """True if it computes with real numbers; shapes and indices stay as they are."""
    tensors = (*operator.inputs, *operator.outputs)
    return any(t is not None and t.dtype is DType.FLOAT32 for t in tensors)

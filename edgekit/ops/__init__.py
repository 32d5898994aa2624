"""Every operator that edgekit knows: one file each, all in this tuple."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from edgekit.ir import Graph, Operator
from edgekit.ops.add import Add
from edgekit.ops.average_pool_2d import AveragePool2D
from edgekit.ops.cast import Cast
from edgekit.ops.concatenation import Concatenation
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.definition import Definition, KernelNeeds, NoAttributes, UnsupportedError, slot
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.dequantize import Dequantize
from edgekit.ops.expand_dims import ExpandDims
from edgekit.ops.fill import Fill
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.gather import Gather
from edgekit.ops.hard_swish import HardSwish
from edgekit.ops.leaky_relu import LeakyRelu
from edgekit.ops.logistic import Logistic
from edgekit.ops.max_pool_2d import MaxPool2D
from edgekit.ops.maximum import Maximum
from edgekit.ops.mean import Mean
from edgekit.ops.minimum import Minimum
from edgekit.ops.mul import Mul
from edgekit.ops.pack import Pack
from edgekit.ops.pad import Pad
from edgekit.ops.padv2 import PadV2
from edgekit.ops.quantize import Quantize
from edgekit.ops.range import Range
from edgekit.ops.reduce_max import ReduceMax
from edgekit.ops.reduce_prod import ReduceProd
from edgekit.ops.relu import Relu
from edgekit.ops.relu6 import Relu6
from edgekit.ops.reshape import Reshape
from edgekit.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgekit.ops.shape import ShapeOf
from edgekit.ops.softmax import Softmax
from edgekit.ops.split import Split
from edgekit.ops.squeeze import Squeeze
from edgekit.ops.strided_slice import StridedSlice
from edgekit.ops.sub import Sub
from edgekit.ops.tanh import Tanh
from edgekit.ops.transpose import Transpose

OPERATORS: tuple[Definition[Any], ...] = (
    Add(),
    AveragePool2D(),
    Cast(),
    Concatenation(),
    Conv2D(),
    DepthwiseConv2D(),
    Dequantize(),
    ExpandDims(),
    Fill(),
    FullyConnected(),
    Gather(),
    HardSwish(),
    LeakyRelu(),
    Logistic(),
    MaxPool2D(),
    Maximum(),
    Mean(),
    Minimum(),
    Mul(),
    Pack(),
    Pad(),
    PadV2(),
    Quantize(),
    Range(),
    ReduceMax(),
    ReduceProd(),
    Relu(),
    Relu6(),
    Reshape(),
    ResizeNearestNeighbor(),
    ShapeOf(),
    Softmax(),
    Split(),
    Squeeze(),
    StridedSlice(),
    Sub(),
    Tanh(),
    Transpose(),
)

_BY_STEM = {definition.stem: definition for definition in OPERATORS}
_BY_CODE = {definition.builtin_code: definition for definition in OPERATORS}

#: What `refusal` said: every pass asks it of every operator, and an operator never changes.
_refusals: WeakKeyDictionary[Operator, str | None] = WeakKeyDictionary()


def definition_of(operator: Operator) -> Definition[Any]:
    """What is known of `operator`'s kind; KeyError for one that edgekit does not know."""
    return _BY_STEM[operator.kind]


def is_known(operator: Operator) -> bool:
    """False for an operator that was read but has no file here."""
    return operator.kind in _BY_STEM


def refusal(operator: Operator) -> str | None:
    """Why edgekit has no kernel for `operator` as it stands, in half a sentence; None if it has.

    A damaged model may leave out inputs or give them any rank: what a check trips over then is
    the model's fault, and said so.
    """
    if operator not in _refusals:
        _refusals[operator] = _refusal(operator)
    return _refusals[operator]


def _refusal(operator: Operator) -> str | None:
    if not is_known(operator):
        return "edgekit has no kernel for it"
    try:
        definition_of(operator).check(operator)
    except UnsupportedError as error:
        return str(error)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"it is malformed: {error}"
    return None


def by_builtin_code(code: int) -> Definition[Any] | None:
    """The definition of TFLite's BuiltinOperator `code`, or None."""
    return _BY_CODE.get(code)


def macs(graph: Graph) -> int:
    """Multiply-accumulates of one invoke."""
    return sum(definition_of(op).macs(op) for op in graph.operators)


__all__ = [
    "OPERATORS",
    "Definition",
    "KernelNeeds",
    "NoAttributes",
    "UnsupportedError",
    "by_builtin_code",
    "definition_of",
    "is_known",
    "macs",
    "refusal",
    "slot",
]

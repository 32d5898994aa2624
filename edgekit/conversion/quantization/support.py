"""Refuses what TFLite Micro cannot compute, all of it at once; and checks what was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from edgekit.conversion.quantization import tflite_graph
from edgekit.conversion.quantization.options import InterfaceType, Precision
from edgekit.conversion.quantization.protection import layer_of
from edgekit.conversion.quantization.rules import RULES, is_real
from edgekit.errors import ConversionError, ModelError
from edgekit.ir import DType, Graph, Operator

_CLAMPS: Final = (0, 1, 2, 3)  # NONE, RELU, RELU_N1_TO_1, RELU6 of ActivationFunctionType
_MOST_JOINED: Final = 10  # inputs of TFLite Micro's CONCATENATION

#: What TFLite Micro computes with integers and truth values, in shapes and indices.
_INTEGER: Final = frozenset(
    (
        *("add", "sub", "mul", "div", "maximum", "minimum", "cast", "cumsum", "reduce_all"),
        *("concatenation", "pack", "unpack", "pad", "mirror_pad", "reshape", "squeeze"),
        *("slice", "strided_slice", "split", "split_v", "expand_dims", "transpose", "reverse_v2"),
        *("gather", "gather_nd", "shape", "fill", "broadcast_args", "broadcast_to", "zeros_like"),
        *("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
        *("logical_and", "logical_or", "logical_not", "select_v2"),
    )
)

_CONVERTING: Final = ("quantize", "dequantize")


def refuse_unsupported(graph: Graph, protected: frozenset[int], layers: Mapping[str, str]) -> None:
    """Raise ModelError that names every operator without an integer form, and the ways out.

    Args:
        graph: float, prepared.
        protected: indices of operators that will be float.
        layers: output tensor -> layer of the source.
    """
    refused = [
        (operator, reason)
        for operator in graph.operators
        if (reason := _reason(operator, as_float=operator.index in protected)) is not None
    ]
    if not refused:
        return
    count = "1 operator" if len(refused) == 1 else f"{len(refused)} operators"
    lines = "".join(
        f"\n  #{op.index} {op.kind.upper()} (layer {layer_of(op, layers)}): {reason}"
        for op, reason in refused
    )
    names = [f"#{op.index}" for op, _ in refused if (r := RULES.get(op.kind)) and r.floats]
    hint = "replace them in the model by what TensorFlow Lite Micro has"
    if names:
        hint += f", or keep {', '.join(names)} in float: --protect-as float --protect {names[0]}"
    raise ModelError(f"{graph.name}: {count} cannot be quantised:{lines}", hint=hint)


def _reason(operator: Operator, *, as_float: bool) -> str | None:
    rule = RULES.get(operator.kind)
    if not is_real(operator):
        known = operator.kind in _INTEGER
        return None if known else "TensorFlow Lite Micro has no kernel for it"
    if rule is None:
        return "TensorFlow Lite Micro has no int8 kernel for it"
    if as_float:
        return None
    if not rule.int8:
        return "there is only a float kernel for it"
    return next(_flaws(operator), None)


def _flaws(operator: Operator) -> Iterator[str]:
    rule = RULES[operator.kind]
    fused = operator.attributes.get("fusedActivationFunction", 0)
    if fused not in _CLAMPS:
        yield "its fused activation is no clamp"
    computed = rule.weights is not None and operator.input(rule.weights).constant is None
    if computed and operator.kind != "fully_connected":
        yield "its weights are computed, not constant"
    bias = None if rule.bias is None else operator.optional_input(rule.bias)
    if bias is not None and bias.constant is None:
        yield "its bias is computed, not constant"
    if bias is not None and computed and operator.kind == "fully_connected":
        yield "its weights are computed, yet it has a bias"
    if operator.kind == "concatenation" and len(operator.inputs) > _MOST_JOINED:
        yield f"it joins {len(operator.inputs)} tensors; {_MOST_JOINED} are the most"
    if operator.kind == "concatenation" and fused:
        yield "it has a fused activation"


def check_produced(
    content: bytes,
    name: str,
    interface: InterfaceType,
    precisions: Mapping[Operator, Precision],
) -> None:
    """Read what was made anew, and raise ConversionError unless it is what was asked for."""
    graph = tflite_graph.read(content, name)
    for problem in _problems(graph, interface, precisions):
        raise ConversionError(
            f"the quantised {name} {problem}", hint="this is a bug of edgekit: please report it"
        )


def _problems(
    graph: Graph, interface: InterfaceType, precisions: Mapping[Operator, Precision]
) -> Iterator[str]:
    for tensor in graph.inputs:
        if tensor.dtype.value != interface:
            yield f"has input {tensor.name!r} as {tensor.dtype.value}, not {interface}"
        if tensor.shape and tensor.shape[0] != 1:
            yield f"has batch {tensor.shape[0]}"
    for tensor in graph.outputs:
        if tensor.dtype.value not in (interface, "int32", "int64", "bool"):
            yield f"has output {tensor.name!r} as {tensor.dtype.value}, not {interface}"
    floats = [op for op in graph.operators if is_real(op) and op.kind not in _CONVERTING]
    if len(floats) != sum(p is Precision.FLOAT for p in precisions.values()):
        yield f"computes in float: {', '.join(op.kind.upper() for op in floats)}"
    for operator in graph.operators:
        if operator.kind not in RULES and operator.kind not in (*_INTEGER, *_CONVERTING):
            yield f"has {operator.kind.upper()}, which TensorFlow Lite Micro lacks"
    real = {t for op in floats for t in (*op.inputs, *op.outputs)}
    borders = {
        t for op in graph.operators if op.kind in _CONVERTING for t in (*op.inputs, *op.outputs)
    }
    for tensor in graph.tensors:
        if tensor.dtype is DType.FLOAT32 and tensor not in real and tensor not in borders:
            yield f"holds the float tensor {tensor.name!r}"

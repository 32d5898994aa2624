"""Float graph -> the same in fewer operators: what a quantiser need not see is gone.

Constants become float32, whatever computes only with constants and shapes is computed now, clamps
join the operators whose outputs they clamp, and what nobody reads is dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np

from edgekit.conversion import litert
from edgekit.conversion.quantization import tflite_graph
from edgekit.conversion.quantization.rules import RULES
from edgekit.errors import ModelError
from edgekit.ir import Array, DType, Graph, Operator, Tensor

#: ActivationFunctionType of TFLite's schema, of the operators that are nothing but one.
_CLAMPS: Final[Mapping[str, int]] = {"relu": 1, "relu_n1_to_1": 2, "relu6": 3}
_FUSED: Final = "fusedActivationFunction"

_CODES = (DType.INT8, DType.UINT8, DType.INT16)

#: Their results differ from run to run, or depend on what ran before.
_IMPURE: Final = frozenset(
    ("random_uniform", "random_standard_normal", "multinomial", "var_handle", "read_variable")
)


def prepare(graph: Graph) -> Graph:
    """The graph as it will be quantised. Operators keep their indices.

    Raises:
        ModelError: it is quantised already, has no real input or another batch than 1.
        ConversionError: LiteRT cannot compute its constants.
    """
    _check(graph)
    graph = _with_real_constants(graph)
    for rewrite in (_fold, _drop_copies, _drop_unread, _fuse_clamps):
        graph = rewrite(graph)
    return graph


def _check(graph: Graph) -> None:
    activations = [*graph.inputs, *(t for op in graph.operators for t in op.outputs)]
    codes = next((t for t in activations if t.dtype in _CODES and t.quantization), None)
    if codes is not None:
        raise ModelError(
            f"{graph.name} is quantised already: tensor {codes.name!r} is {codes.dtype.value}",
            hint="give the float model that it was made from",
        )
    if not graph.inputs or not graph.outputs or not graph.operators:
        raise ModelError(f"{graph.name} computes nothing: it lacks inputs, outputs or operators")
    for tensor in graph.inputs:
        if tensor.dtype is not DType.FLOAT32:
            raise ModelError(
                f"{graph.name}: input {tensor.name!r} is {tensor.dtype.value}, not float32",
                hint="move what looks indices up (an embedding) out of the model",
            )
        if tensor.shape and tensor.shape[0] != 1:
            raise ModelError(
                f"{graph.name}: input {tensor.name!r} has batch {tensor.shape[0]}, not 1",
                hint="export the model with batch size 1",
            )


def _with_real_constants(graph: Graph) -> Graph:
    """Constants that are stored quantised for float operators, as the reals that they stand for."""
    new: dict[Tensor, Tensor] = {}
    for tensor in graph.tensors:
        if tensor.constant is None or tensor.quantization is None:
            continue
        if tensor.dtype in _CODES:
            real = _real(tensor)
            new[tensor] = dataclasses.replace(
                tensor, dtype=DType.FLOAT32, quantization=None, constant=real
            )
        else:
            new[tensor] = dataclasses.replace(tensor, quantization=None)
    return graph.with_tensors_replaced(new)


def _real(tensor: Tensor) -> Array:
    assert tensor.constant is not None and tensor.quantization is not None
    shape = [1] * max(1, len(tensor.shape))
    shape[tensor.quantization.axis] = -1
    scales = np.array(tensor.quantization.scales, np.float32).reshape(shape)
    zero_points = np.array(tensor.quantization.zero_points, np.float32).reshape(shape)
    return _read_only((tensor.constant.astype(np.float32) - zero_points) * scales, tensor.shape)


def _read_only(values: Array, shape: tuple[int, ...]) -> Array:
    value: Array = np.ascontiguousarray(values).reshape(shape)
    value.setflags(write=False)
    return value


def _fold(graph: Graph) -> Graph:
    """What depends on no input is computed by LiteRT, once.

    DEQUANTIZE of constants (float16 models) has become a copy, and LiteRT would refuse it.
    """
    graph = _drop_copies(graph)
    known = {t for t in graph.tensors if t.constant is not None}
    folded: list[Operator] = []
    for operator in graph.operators:
        inputs = [t for t in operator.inputs if t is not None]
        static = operator.kind == "shape" or all(t in known for t in inputs)
        if static and operator.kind not in _IMPURE:
            folded.append(operator)
            known.update(operator.outputs)
    if not folded:
        return graph
    values = _computed(graph, {t for op in folded for t in op.outputs})
    kept = tuple(op for op in graph.operators if op not in folded)
    return graph.with_operators(kept).with_tensors_replaced(values)


def _computed(graph: Graph, wanted: set[Tensor]) -> dict[Tensor, Tensor]:
    file = tflite_graph.write(graph)
    running = litert.interpreter(file.content, keep_all=True, optimised=False)
    for detail in running.get_input_details():
        running.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    litert.invoke(running)
    return {
        tensor: dataclasses.replace(
            tensor,
            constant=_read_only(running.get_tensor(file.indices[tensor]).copy(), tensor.shape),
        )
        for tensor in wanted
    }


def _drop_copies(graph: Graph) -> Graph:
    """DEQUANTIZE of what is real already (the constants of float16 models) is left out."""
    for operator in graph.operators:
        if operator.kind == "dequantize" and operator.input(0).dtype is DType.FLOAT32:
            kept = tuple(op for op in graph.operators if op is not operator)
            source = {operator.output: operator.input(0)}
            graph = graph.with_operators(kept).with_tensors_replaced(source)
            return _drop_copies(graph)
    return graph


def _drop_unread(graph: Graph) -> Graph:
    read = set(graph.outputs)
    kept: list[Operator] = []
    for operator in reversed(graph.operators):
        if read.intersection(operator.outputs):
            kept.append(operator)
            read.update(t for t in operator.inputs if t is not None)
    return graph.with_operators(reversed(kept))


def _fuse_clamps(graph: Graph) -> Graph:
    """RELU and its like become the fused activation of the operator before them.

    The clamped tensor alone is then quantised: its range is narrower, and one rounding is saved.
    """
    for clamp in graph.operators:
        if clamp.kind not in _CLAMPS:
            continue
        source = clamp.input(0)
        before = graph.producer(source)
        if before is None or not _can_clamp(before):
            continue
        if len(graph.consumers(source)) > 1 or source in graph.outputs:
            continue
        options = before.attributes.with_field(_FUSED, _CLAMPS[clamp.kind])
        fused = dataclasses.replace(before, attributes=options, outputs=clamp.outputs)
        kept = (fused if op is before else op for op in graph.operators if op is not clamp)
        return _fuse_clamps(graph.with_operators(kept))
    return graph


def _can_clamp(operator: Operator) -> bool:
    rule = RULES.get(operator.kind)
    return rule is not None and rule.fuses and operator.attributes.get(_FUSED) == 0

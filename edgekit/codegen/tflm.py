"""Engine `tflm`: the model as it is, and TensorFlow Lite Micro's interpreter to run it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from importlib import metadata

from edgekit import ops
from edgekit.codegen.context import (
    MAX_MACS,
    ConstantContext,
    InterpretedContext,
    InterpretedStepContext,
    RegistrationContext,
    tensor_context,
)
from edgekit.codegen.embedded import EmbeddedModel
from edgekit.codegen.render import render
from edgekit.codegen.sources import GeneratedSources, LibraryStep, TflmNeeds, library_files
from edgekit.codegen.tflm_operators import BY_NAME
from edgekit.errors import UnsupportedOperator, UnsupportedOperatorsError
from edgekit.frontends import tflite
from edgekit.ir import DType, Graph, Operator, Tensor

_ALIGNMENT_BYTES = 16  # of the .tflite
_BYTES_PER_LINE = 24


def generate(
    graph: Graph, embedded: EmbeddedModel, *, arena_bytes: int | None = None
) -> GeneratedSources:
    """Write the model library `ek_<name>`: one C++ file, one header, the .tflite as a C array.

    Args:
        graph: the user's model, as it was read.
        embedded: the form of it that goes into flash memory.
        arena_bytes: a multiple of 16; None: what `embedded` says.

    Raises:
        UnsupportedOperatorsError: TensorFlow Lite Micro lacks some operators; all are listed.
    """
    refuse_unsupported(graph)
    model = _context(graph, embedded, arena_bytes or embedded.arena_bytes)
    files = {
        f"{model.symbol}.h": render("tflm/model.h.j2", model=model),
        f"{model.symbol}.cc": render("tflm/model.cc.j2", model=model),
        f"{model.content.symbol}.c": render("tflm/tflite.c.j2", model=model),
        **library_files((), ("ek_model.h",)),
    }
    kernels = {BY_NAME[name_of(operator)].kernel for operator in embedded.graph.operators}
    return GeneratedSources(
        model_name=graph.name,
        engine="tflm",
        files=files,
        arena_bytes=model.arena_bytes,
        input_bytes=model.input_bytes,
        constant_bytes=len(embedded.content),
        steps=tuple(
            LibraryStep(
                operator_index=step.operator_index,
                name=step.operator_name,
                kernel=step.kernel,
                macs=macs(operator),
                shows_output=step.output_bytes > 0,
            )
            for step, operator in zip(model.steps, embedded.graph.operators, strict=True)
        ),
        tflm=TflmNeeds(kernels=tuple(sorted(kernels))),
    )


def refuse_unsupported(graph: Graph) -> None:
    """Raise UnsupportedOperatorsError, naming every operator that the engine cannot run."""
    refused = tuple(_unsupported(graph.operators))
    if refused:
        raise UnsupportedOperatorsError(graph.name, refused, engine="tflm")


def can_run(name: str) -> bool:
    """True if TensorFlow Lite Micro has the operator of that name, and edgekit can prove it."""
    return name in BY_NAME and not BY_NAME[name].keeps_state


def name_of(operator: Operator) -> str:
    """The operator's name in the .tflite, e.g. "CONV_2D" or "custom:Mine"."""
    if operator.kind.startswith("custom:"):
        return operator.kind
    return ops.definition_of(operator).name if ops.is_known(operator) else operator.kind.upper()


def macs(operator: Operator) -> int:
    """Multiply-accumulates of one invoke; 0 for what edgekit has no rule for."""
    if ops.is_known(operator):
        return ops.definition_of(operator).macs(operator)
    if operator.kind == "transpose_conv":  # inputs: output shape, weights [O, H, W, I], activations
        weights, activations = operator.input(1), operator.input(2)
        return activations.elements * math.prod(weights.shape[:3])
    if operator.kind == "batch_matmul":
        left = operator.input(0).shape
        return (
            operator.output.elements
            * left[-2 if operator.output.shape[-2:-1] != left[-2:-1] else -1]
        )
    return 0


def _unsupported(operators: Iterable[Operator]) -> Iterable[UnsupportedOperator]:
    for operator in operators:
        name = name_of(operator)
        if not can_run(name):
            reason = (
                "its outputs depend on earlier invokes, so that none can be proven"
                if name in BY_NAME
                else "TensorFlow Lite Micro has no such operator"
            )
            first = next(iter((*operator.activations, *operator.outputs)))
            yield UnsupportedOperator(operator.index, name, first.dtype.value, reason)


def _context(graph: Graph, embedded: EmbeddedModel, arena_bytes: int) -> InterpretedContext:
    symbol, run = f"ek_{graph.name}", embedded.graph
    numbers = _numbers(embedded)
    inputs, outputs = (
        tuple(tensor_context(tensor, offset_bytes=0) for tensor in tensors)
        for tensors in (run.inputs, run.outputs)
    )
    return InterpretedContext(
        name=graph.name,
        symbol=symbol,
        macro=f"EK_{graph.name.upper()}",
        source=graph.sha256,
        sha256_bytes=tuple(f"0x{byte:02x}" for byte in bytes.fromhex(graph.sha256)),
        edgekit_version=metadata.version("edgekit"),
        arena_bytes=arena_bytes,
        input_bytes=sum(tensor.size_bytes for tensor in run.inputs),
        macs=min(sum(map(macs, run.operators)), MAX_MACS),
        inputs=inputs,
        outputs=outputs,
        head_bytes=embedded.head_bytes,
        content=ConstantContext(
            symbol=f"{symbol}_tflite",
            ctype="uint8_t",
            alignment=_ALIGNMENT_BYTES,
            rows=tuple(_rows(embedded.content)),
        ),
        registrations=tuple(_registrations(run)),
        steps=tuple(
            _step(operator, embedded.offsets.get(numbers[operator.output]))
            for operator in run.operators
        ),
    )


def _numbers(embedded: EmbeddedModel) -> dict[Tensor, int]:
    """The index in the embedded .tflite of each tensor that an operator computes."""
    written = tflite.read(embedded.content)
    return {
        tensor: same.id
        for operator, one in zip(embedded.graph.operators, written.operators, strict=True)
        for tensor, same in zip(operator.outputs, one.outputs, strict=True)
    }


def _step(operator: Operator, offset: int | None) -> InterpretedStepContext:
    name = name_of(operator)
    return InterpretedStepContext(
        operator_index=operator.index,
        operator_name=name,
        kernel=f"tflite::{name.removeprefix('custom:')}",
        macs=min(macs(operator), MAX_MACS),
        output_offset=offset or 0,
        output_bytes=0 if offset is None else operator.output.size_bytes,
    )


def _registrations(run: Graph) -> Iterable[RegistrationContext]:
    """One for each kind of operator, sorted; int8 only where all of its kind are."""
    by_name: dict[str, list[Operator]] = {}
    for operator in run.operators:
        by_name.setdefault(name_of(operator), []).append(operator)
    for name, operators in sorted(by_name.items()):
        support = BY_NAME[name]
        yield RegistrationContext(
            method=support.method,
            registration=support.registration,
            int8=support.int8 and all(map(_is_int8, operators)),
        )


def _is_int8(operator: Operator) -> bool:
    """True if it computes int8 from int8; constants may be int32, as biases and paddings are."""
    constants = [t for t in operator.inputs if t is not None and t.constant is not None]
    return all(t.dtype is DType.INT8 for t in (*operator.activations, *operator.outputs)) and all(
        t.dtype in (DType.INT8, DType.INT32) for t in constants
    )


def _rows(content: bytes) -> Iterable[str]:
    for start in range(0, len(content), _BYTES_PER_LINE):
        yield ",".join(map(str, content[start : start + _BYTES_PER_LINE])) + ","

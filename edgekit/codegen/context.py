"""What templates see: facts, already computed, with C names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.ir import DType, Tensor

CTYPES = {
    DType.INT8: "int8_t",
    DType.UINT8: "uint8_t",
    DType.INT16: "int16_t",
    DType.INT32: "int32_t",
    DType.INT64: "int64_t",
    DType.FLOAT32: "float",
    DType.BOOL: "uint8_t",
}
MAX_MACS = 2**32 - 1  # what fits an ek_model; more are said to be as many


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantContext:
    """An array in flash memory."""

    symbol: str
    ctype: str  # element type, e.g. "int8_t"
    alignment: int  # bytes
    rows: tuple[str, ...]  # initialisers, comma-separated, one line each


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorContext:
    """Where a step finds one of its tensors."""

    name: str
    ctype: str
    type: str  # EK_INT8 …
    shape: tuple[int, ...]
    size_bytes: int
    offset_bytes: int  # in the arena; 0 for a constant
    constant: str | None  # symbol of its array, for a constant
    scale: str  # C number; "0" when it has none
    zero_point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """One step: one operator today.

    The template `ops/<template>.c.j2` renders the body of `static void <symbol>(uint8_t *arena)`;
    `p`, the kernel's parameters, stands beside `step` in its context.
    """

    symbol: str
    template: str
    operator_index: int
    operator_name: str
    kernel: str
    scheme: str
    macs: int
    inputs: tuple[TensorContext | None, ...]
    outputs: tuple[TensorContext, ...]
    constants: Mapping[str, str]  # name -> symbol
    scratch_offset: int | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryContext:
    """What the model library of every engine says of itself, in its header and its ek_model."""

    name: str
    symbol: str  # ek_<name>
    macro: str  # EK_<NAME>
    source: str  # of the .tflite: its SHA-256
    sha256_bytes: tuple[str, ...]
    edgekit_version: str
    arena_bytes: int
    input_bytes: int  # of all inputs together
    macs: int
    inputs: tuple[TensorContext, ...]
    outputs: tuple[TensorContext, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext(LibraryContext):
    """A model library of engine aot."""

    lower_bound_bytes: int
    arena_proof: str
    headers: tuple[str, ...]
    constants: tuple[ConstantContext, ...]
    steps: tuple[StepContext, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationContext:
    """An operator for TensorFlow Lite Micro's resolver."""

    method: str  # of MicroMutableOpResolver
    registration: str  # Register_<registration>()
    int8: bool  # take Register_<registration>_INT8() where the library has it


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpretedStepContext:
    """One step: one operator that the interpreter runs."""

    operator_index: int
    operator_name: str
    kernel: str
    macs: int
    output_offset: int  # in the arena; 0 with output_bytes 0: not known
    output_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpretedContext(LibraryContext):
    """A model library of engine tflm."""

    head_bytes: int  # activations and scratch
    content: ConstantContext  # the .tflite
    registrations: tuple[RegistrationContext, ...]
    steps: tuple[InterpretedStepContext, ...]


def tensor_context(
    tensor: Tensor, *, offset_bytes: int, constant: str | None = None
) -> TensorContext:
    """Describe `tensor`, which lies at `offset_bytes` in the arena or in the array `constant`."""
    q = tensor.quantization
    single = q is not None and q.per_tensor
    return TensorContext(
        name=tensor.name,
        ctype=CTYPES[tensor.dtype],
        type=f"EK_{tensor.dtype.name}",
        shape=tensor.shape,
        size_bytes=tensor.size_bytes,
        offset_bytes=offset_bytes,
        constant=constant,
        scale=f"{tensor.scale:.9g}" if single else "0",
        zero_point=tensor.zero_point if single else 0,
    )

"""What templates see: facts, already computed, with C names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
class ModelContext:
    """The whole model library."""

    name: str
    symbol: str  # ek_<name>
    macro: str  # EK_<NAME>
    source: str  # of the .tflite: its SHA-256
    sha256_bytes: tuple[str, ...]
    edgekit_version: str
    arena_bytes: int
    lower_bound_bytes: int
    arena_proof: str
    input_bytes: int  # of all inputs together
    macs: int
    headers: tuple[str, ...]
    constants: tuple[ConstantContext, ...]
    steps: tuple[StepContext, ...]
    inputs: tuple[TensorContext, ...]
    outputs: tuple[TensorContext, ...]

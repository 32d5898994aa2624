"""What one run measured: the document of design §7, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["us", "cycles", "instructions"]
Rung = Literal["hardware", "emulated", "compiled", "configured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which model ran."""

    name: str
    sha256: str  # of the .tflite
    macs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What it was built with."""

    toolchain: str
    flags: tuple[str, ...]
    sources_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """One invoke, from entering to leaving the model's invoke function."""

    unit: Unit
    count: int  # of timed invokes
    warmup: int  # invokes before them that were not timed
    min: float
    median: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLatency:
    """One step; its unit is that of the invoke."""

    index: int  # of the operator in the .tflite
    name: str
    kernel: str
    macs: int
    median: float | None  # None when the run was not profiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes. The arena holds inputs, outputs, activations, scratch; what an interpreter keeps."""

    arena_bytes: int  # that the model used on the board; engine tflm may have been given more
    arena_lower_bound_bytes: int
    arena_proof: str  # "lower bound", "exact solver" or "none"
    stack_bytes: int | None  # high-water of one invoke; None where it cannot be measured
    # Of the image; None when the board was already running and its image is not at hand:
    static_ram_bytes: int | None  # data + bss of all that inference needs, the arena included
    flash_bytes: int | None  # all of it
    inference_flash_bytes: int | None  # the model's code and constants with the kernels it uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The device's output bytes against the oracle's."""

    inputs: int
    compared_bytes: int
    mismatched_bytes: int
    oracle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How often the device's greatest output is the label."""

    metric: str  # "top-1"
    value: float  # 0..1
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One model on one board."""

    edgekit: str  # version
    board: str
    emulated: bool
    engine: str
    model: Model
    build: Build | None  # None when the board was already running
    invoke: Latency
    operators: tuple[OperatorLatency, ...]
    memory: Memory
    verify: Verification
    accuracy: Accuracy | None
    #: The firmware ran on this computer; only flashing and the link were those of the board.
    virtual: bool = False
    #: How far edgekit's makers themselves verified the board, of its file; None in old documents.
    rung: Rung | None = None

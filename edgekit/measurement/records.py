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
    macs: int | None  # None: not known, of models that edgekit does not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What it was built with."""

    toolchain: str
    flags: tuple[str, ...]
    sources_sha256: str
    #: Where weights, and the kernels' code, lie while the model runs: "flash" or "ram", on boards
    #: that have both; None elsewhere, and in old documents.
    weights_in: str | None = None
    kernels_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The Linux computer that the model ran on, and whether it was held back meanwhile."""

    machine: str  # as it calls itself, e.g. "Raspberry Pi 4 Model B Rev 1.5"
    os: str  # its name and version, e.g. "Debian GNU/Linux 12 (bookworm)"
    kernel: str  # release and architecture, e.g. "6.6.51+rpt-rpi-v8 aarch64"
    governor: str | None  # of CPU frequency, e.g. "ondemand"; None where it is not told
    frequency_hz: int | None  # of the CPU, at the end of the timed invokes
    temperature_c: tuple[float, float] | None  # before and after the timed invokes
    #: What held the CPU back during the run, e.g. "under-voltage"; () nothing; None: not told.
    throttled: tuple[str, ...] | None
    #: What had done so at some time before: whether it did in the run too, only `throttled` tells
    #: of the run's beginning and end.
    throttled_earlier: tuple[str, ...] | None = None
    #: What the model's program was started by, e.g. "qemu-aarch64"; None: by nothing.
    launcher: str | None = None


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

    # None for engines that allocate as they like, under an operating system:
    arena_bytes: int | None  # that the model used on the board; tflm may have been given more
    arena_lower_bound_bytes: int | None
    arena_proof: str | None  # "lower bound", "exact solver" or "none"
    stack_bytes: int | None  # high-water of one invoke; None where it cannot be measured
    # Of the image; None when the board was already running and its image is not at hand:
    static_ram_bytes: int | None  # data + bss of all that inference needs, the arena included
    flash_bytes: int | None  # all of it
    inference_flash_bytes: int | None  # the model's code and constants with the kernels it uses
    #: Under an operating system: the most memory that the process held at a time.
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The device's output bytes against the oracle's."""

    inputs: int
    compared_bytes: int
    mismatched_bytes: int
    oracle: str
    #: False for engines that compute by other rules than the oracle: their bytes may differ, and
    #: by how much at most is said here, in steps of the output's quantisation (or of its float).
    exact: bool = True
    largest_difference: float | None = None  # None where bytes must be equal


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
    #: Version of the interpreter that ran the model, for engines that are one on the device.
    engine_version: str | None = None
    system: System | None = None  # None on boards without an operating system

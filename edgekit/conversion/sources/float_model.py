"""What every source becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatModel:
    """A trained model as a float32 .tflite: batch 1, static shapes, one subgraph."""

    content: bytes
    name: str  # stem for file and C names
    origin: str  # e.g. "Keras model kws.keras", for messages
    layers: Mapping[str, str]  # output tensor in the .tflite -> layer that made it (best effort)
    log: Path | None  # where the converter's output was kept
    #: The inputs' shapes as their author knows them, where they differ: NCHW of ONNX and PyTorch.
    source_input_shapes: tuple[tuple[int, ...], ...] | None = None

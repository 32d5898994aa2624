"""The .tflite that engine `tflm` puts into flash memory, and the arena that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edgekit.ir import Graph
from edgekit.memory.lifetimes import aligned


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedModel:
    """A model for TFLite Micro's interpreter."""

    content: bytes  # the .tflite that goes into flash memory
    planned: bool  # it carries our OfflineMemoryAllocation
    head_bytes: int  # activations and scratch, a multiple of 16
    lower_bound_bytes: int  # no head is smaller
    tail_bytes: int  # what stays for the life of the interpreter: an upper estimate
    arena_bytes: int  # a multiple of 16, enough to start and to run on the device
    offsets: Mapping[int, int]  # tensor index in `content` -> offset in bytes, when planned


def embed(content: bytes, graph: Graph, *, pointer_bytes: Literal[4, 8]) -> EmbeddedModel:
    """The model as it is embedded, and an estimate of the arena that is never too small."""
    tensors = [t for t in graph.tensors if t.constant is None]
    head = sum(aligned(t.size_bytes) for t in tensors)
    channels = sum(len(t.quantization.scales) for t in graph.tensors if t.quantization is not None)
    structs = 1024 + 24 * len(graph.tensors) + 192 * len(graph.operators)
    tail = aligned((structs + 16 * channels) * pointer_bytes // 4)
    largest = max((aligned(t.size_bytes) for t in tensors), default=0)
    return EmbeddedModel(
        content=content,
        planned=False,
        head_bytes=head,
        lower_bound_bytes=largest,
        tail_bytes=tail,
        arena_bytes=head + tail + 4096,
        offsets={},
    )


def fitted_arena_bytes(used: int) -> int:
    """The arena for a device that measured `used` bytes of it: less is not enough to start."""
    return aligned(used) + 16

"""The tail of TensorFlow Lite Micro's arena: what an interpreter keeps, and needs to start.

While it starts, an interpreter takes from the arena's end what it keeps, and from the arena's
beginning what it needs for a moment. This module takes the same steps in the same order, after
micro_allocator.cc, micro_interpreter.cc, micro_allocation_info.cc and the kernels' Init and Prepare
(August 2026). Sizes of structures are those of compilers with enums of 4 bytes, as for RISC-V,
Xtensa and x86-64; on Arm they are a little smaller. Of each kernel's own structure the largest is
taken, whichever library it is from, so the result is an upper estimate: tests hold it against the
oracle (64 bits) and against what TensorFlow Lite Micro measured of itself on 32-bit cores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.ir import DType, Graph, Operator, Tensor
from edgekit.memory.tflm_kernels import STRUCTURES, UNKNOWN, Structures
from edgekit.memory.tflm_scratch import KernelLibrary, scratch_requests

PointerBytes = Literal[4, 8]

_KERNEL_ALIGNMENT = 16  # of what kernels ask for
_OPTIONS_ALIGNMENT = 4
#: Requests of scratch for which there must be room before each kernel's Prepare.
_SPARE_REQUESTS = 12
#: What GreedyMemoryPlanner needs for each buffer while it plans.
_PLANNED_BYTES = 40
#: Kernels that look at their tensors in Prepare do so twice at most, each time in a new place.
_LOOKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How much of the arena's end an interpreter takes."""

    kept_bytes: int  # for as long as the interpreter lives
    start_bytes: int  # the smallest arena in which it can start, whatever the head is


@dataclass(frozen=True, slots=True)
class _Sizes:
    """sizeof, in bytes."""

    pointer: PointerBytes
    allocators: tuple[int, ...]  # SingleArenaBufferAllocator, GreedyMemoryPlanner, MicroAllocator,
    # MicroBuiltinDataAllocator
    subgraph: int  # SubgraphAllocations, with compression
    eval_tensor: int
    node: int  # NodeAndRegistration
    tensor: int  # TfLiteTensor
    quantization: int  # TfLiteAffineQuantization
    scratch_request: int
    allocation: int  # AllocationInfo


_SIZES = {
    4: _Sizes(4, (36, 44, 48, 8), 12, 12, 32, 40, 12, 12, 24),
    8: _Sizes(8, (72, 72, 96, 16), 24, 24, 64, 64, 24, 16, 32),
}


def tail(
    graph: Graph,
    *,
    tensors: int,
    buffers: int,
    pointer_bytes: PointerBytes,
    library: KernelLibrary,
) -> Tail:
    """What an interpreter of `graph` takes.

    Args:
        graph: the model as it is embedded.
        tensors: how many tensors its .tflite has.
        buffers: how many of them need a place in the head.
        pointer_bytes: of the device.
        library: whose kernels the device has.
    """
    sizes = _SIZES[pointer_bytes]
    arena = _Arena()
    for size in (*sizes.allocators, sizes.subgraph):
        arena.keep(size, pointer_bytes)
    arena.keep(sizes.eval_tensor * tensors, pointer_bytes)
    arena.keep(sizes.node * len(graph.operators), pointer_bytes)
    requests = _prepare(arena, graph.operators, sizes, library)
    arena.keep(pointer_bytes * requests, pointer_bytes)
    planned = sizes.allocation * (tensors + requests) + _PLANNED_BYTES * (buffers + requests)
    arena.borrow(_queue(requests, sizes) + pointer_bytes + planned + 2 * _KERNEL_ALIGNMENT)
    for ends in (graph.inputs, graph.outputs):
        arena.keep(pointer_bytes * len(ends), _KERNEL_ALIGNMENT)
        for tensor in ends:
            _keep_tensor(arena, tensor, sizes)
    return Tail(kept_bytes=arena.kept_bytes, start_bytes=arena.most_bytes)


class _Arena:
    """How many bytes are taken from the end, and the most that were taken from both ends."""

    def __init__(self) -> None:
        self.kept_bytes = self.most_bytes = 0

    def keep(self, size_bytes: int, alignment: int) -> None:
        """Take `size_bytes` from the end, which is aligned to 16, downwards."""
        if size_bytes:
            self.kept_bytes = -(-(self.kept_bytes + size_bytes) // alignment) * alignment
        self.borrow(0)

    def borrow(self, size_bytes: int) -> None:
        """Take `size_bytes` from the beginning for a moment."""
        self.most_bytes = max(self.most_bytes, self.kept_bytes + size_bytes)


def _prepare(
    arena: _Arena, operators: Sequence[Operator], sizes: _Sizes, library: KernelLibrary
) -> int:
    """Parse, initialise and prepare the operators; how many buffers of scratch they ask for."""
    for operator in operators:
        arena.keep(_structures(operator).options_bytes, _OPTIONS_ALIGNMENT)
    for operator in operators:
        own = _structures(operator).kernel_bytes(sizes.pointer, library)
        arena.keep(own, _KERNEL_ALIGNMENT)
    requests = 0
    for operator in operators:
        for size in _kept_by_prepare(operator, library, sizes):
            arena.keep(size, _KERNEL_ALIGNMENT)
        requests += len(scratch_requests(operator, library))
        looks = sum(_look(tensor, sizes) for tensor in _tensors(operator))
        arena.borrow(_queue(requests, sizes) + _LOOKS * looks)
    return requests


def _queue(requests: int, sizes: _Sizes) -> int:
    """Bytes for requests of scratch, and those of the next operator."""
    return sizes.scratch_request * (requests + _SPARE_REQUESTS)


def _keep_tensor(arena: _Arena, tensor: Tensor, sizes: _Sizes) -> None:
    """A TfLiteTensor of the model's inputs or outputs."""
    arena.keep(sizes.tensor, sizes.pointer)
    if tensor.quantization is not None:
        arena.keep(sizes.quantization, sizes.pointer)
        arena.keep(4 + 4 * len(tensor.quantization.scales), 4)


def _structures(operator: Operator) -> Structures:
    return STRUCTURES.get(operator.kind, UNKNOWN)


def _tensors(operator: Operator) -> Sequence[Tensor]:
    return [*(t for t in operator.inputs if t is not None), *operator.outputs]


def _look(tensor: Tensor, sizes: _Sizes) -> int:
    """Bytes of a TfLiteTensor with its quantisation."""
    if tensor.quantization is None:
        return sizes.tensor
    return sizes.tensor + sizes.quantization + 4 + 4 * len(tensor.quantization.scales) + 4


def _kept_by_prepare(operator: Operator, library: KernelLibrary, sizes: _Sizes) -> Sequence[int]:
    """Sizes of what the kernel's Prepare asks for."""
    kind = operator.kind
    if kind in ("conv_2d", "depthwise_conv_2d", "transpose_conv"):
        return _per_channel(_channels(operator.output))
    if kind == "fully_connected":
        return _kept_by_dense(operator, library)
    if kind == "softmax":
        return (2 * 513,) * 2 if operator.output.dtype is DType.INT16 else ()
    if kind == "batch_matmul":
        return [32, *(size for t in _tensors(operator)[:2] for size in _turned(t, sizes))]
    if kind in ("gather", "gather_nd", "depth_to_space", "space_to_depth", "l2_pool_2d"):
        return (_shape_bytes(operator.output),)
    return ()


def _channels(tensor: Tensor) -> int:
    return math.prod(tensor.shape[-1:])


def _per_channel(channels: int) -> tuple[int, int]:
    """Multipliers and shifts."""
    return 4 * channels, 4 * channels


def _kept_by_dense(operator: Operator, library: KernelLibrary) -> Sequence[int]:
    """With the sums of weights; builds that save them take one operator's as scratch instead."""
    weights = operator.optional_input(1)
    quantization = None if weights is None else weights.quantization
    channels = 1 if quantization is None else len(quantization.scales)
    sums = 4 * _channels(operator.output) if library == "cmsis_nn_mve" else 0
    return (*(_per_channel(channels) if channels > 1 else ()), sums)


def _turned(tensor: Tensor, sizes: _Sizes) -> tuple[int, int, int]:
    """A transposed copy, which is made where the operator's attributes say so."""
    return sizes.eval_tensor, _shape_bytes(tensor), tensor.size_bytes


def _shape_bytes(tensor: Tensor) -> int:
    return 4 + 4 * len(tensor.shape)

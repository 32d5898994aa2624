"""The .tflite that engine `tflm` puts into flash memory, and the arena that it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit import ops, passes
from edgekit.errors import ModelError
from edgekit.frontends import tflite_metadata, tflite_writer
from edgekit.ir import Graph, Tensor
from edgekit.memory.lifetimes import aligned
from edgekit.memory.tflm_plan import WhenToPlan, plan_head
from edgekit.memory.tflm_scratch import KERNEL_LIBRARIES, KernelLibrary
from edgekit.memory.tflm_tail import PointerBytes, Tail, tail

#: Passes after which a graph still has a form as .tflite.
_PASSES: tuple[passes.Pass, ...] = (
    passes.drop_shape_inputs,
    passes.fold_constants,
    passes.remove_dead,
    passes.remove_noops,
    passes.remove_dead,
)

#: TFLite Micro's name of the metadata with offsets, its version, and "planned while it starts".
_METADATA, _VERSION, _ONLINE = "OfflineMemoryAllocation", 1, -1

#: What arena_used_bytes() may leave out, for alignment.
_MARGIN_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedModel:
    """A model for TFLite Micro's interpreter."""

    content: bytes  # the .tflite that goes into flash memory
    graph: Graph  # what `content` holds: these operators the interpreter must know
    planned: bool  # it carries our OfflineMemoryAllocation
    head_bytes: int  # activations and scratch, a multiple of 16: by our plan, or TFLite Micro's
    lower_bound_bytes: int  # no head is smaller
    tail_bytes: int  # what stays for the life of the interpreter: an upper estimate
    start_bytes: int  # no arena below this lets the interpreter start: an upper estimate, too
    arena_bytes: int  # a multiple of 16, enough to start and to run on the device
    offsets: Mapping[int, int]  # tensor index in `content` -> offset in bytes, when planned


def embed(
    content: bytes,
    graph: Graph,
    *,
    pointer_bytes: PointerBytes,
    kernels: Sequence[KernelLibrary] | None = None,
) -> EmbeddedModel:
    """The smallest form of a model that gives the same bytes, and the arena that it needs.

    Shapes and constants are folded, names left out, and a memory plan is added where it makes the
    head smaller. A model with operators that edgekit has no kernel for keeps its bytes; only the
    plan is put in front of them, if it can be.

    The head is exact for the versions of the libraries that edgekit/memory/tflm_scratch.py names
    and operators that it covers; tail and start are upper estimates. What the device measures of
    itself is the truth.

    Args:
        content: the .tflite.
        graph: `content` as it was read, before any pass.
        pointer_bytes: of the device.
        kernels: whose kernels the device may have, at least one. By default all where pointers
            have 4 bytes, and the reference kernels, which a computer has, where they have 8.

    Raises:
        CorruptModelError: the model breaks a shape rule.
        MemoryPlanError: our plan is wrong (a bug of ours).
    """
    libraries = kernels or (KERNEL_LIBRARIES if pointer_bytes == 4 else ("reference",))
    form = _rewritten(graph) or _kept(content, graph)
    head = plan_head(form.graph, libraries, plan=form.plan)
    offsets = {form.numbers[tensor]: at for tensor, at in (head.offsets or {}).items()}
    kept = [_tail(form, pointer_bytes, library) for library in libraries]
    tail_bytes = max(one.kept_bytes for one in kept)
    start_bytes = max(one.start_bytes for one in kept)
    return EmbeddedModel(
        content=form.write(_plan_bytes(offsets, form.tensors) if head.offsets else None),
        graph=form.graph,
        planned=head.offsets is not None,
        head_bytes=head.head_bytes,
        lower_bound_bytes=head.lower_bound_bytes,
        tail_bytes=tail_bytes,
        start_bytes=start_bytes,
        arena_bytes=fitted_arena_bytes(head.head_bytes + tail_bytes, start_bytes=start_bytes),
        offsets=offsets,
    )


def fitted_arena_bytes(used: int, *, start_bytes: int = 0) -> int:
    """The arena for a device that measured `used` bytes of it: less is not enough to start.

    Args:
        used: what the device's arena_used_bytes() said.
        start_bytes: EmbeddedModel.start_bytes. Of a small model it is the larger part: what an
            interpreter needs only while it starts is not in what it uses.
    """
    return max(aligned(used) + _MARGIN_BYTES, aligned(start_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A way to write a model."""

    graph: Graph
    numbers: Mapping[Tensor, int]  # of its tensors in the .tflite
    tensors: int  # that the .tflite has, in all
    plan: WhenToPlan
    write: Callable[[bytes | None], bytes]  # with the content of the metadata, if any


def _tail(form: _Form, pointer_bytes: PointerBytes, library: KernelLibrary) -> Tail:
    return tail(
        form.graph,
        tensors=form.tensors,
        buffers=sum(tensor.constant is None for tensor in form.graph.tensors),
        pointer_bytes=pointer_bytes,
        library=library,
    )


def _rewritten(graph: Graph) -> _Form | None:
    """The folded graph, written anew; None if some operator's meaning is not known for sure."""
    if any(ops.refusal(operator) for operator in graph.operators):
        return None
    folded = passes.run(graph, _PASSES)
    if not folded.operators:
        return None
    tensors = sorted(folded.tensors, key=lambda tensor: tensor.id)
    nameless = folded.with_tensors_replaced({t: dataclasses.replace(t, name="") for t in tensors})
    return _Form(
        graph=folded,
        numbers={tensor: i for i, tensor in enumerate(tensors)},
        tensors=len(tensors),
        plan="if smaller",
        write=lambda plan: tflite_writer.write(nameless, {_METADATA: plan} if plan else None),
    )


def _kept(content: bytes, graph: Graph) -> _Form:
    """The file as it is, with a plan in front where that can be put there."""
    counts = tflite_metadata.tensor_counts(content)
    return _Form(
        graph=graph,
        numbers={tensor: tensor.id for tensor in graph.tensors},
        tensors=sum(counts),
        plan=_when_to_plan(content, subgraphs=len(counts)),
        write=lambda plan: (
            tflite_metadata.with_metadata(content, _METADATA, plan) if plan else content
        ),
    )


def _when_to_plan(content: bytes, *, subgraphs: int) -> WhenToPlan:
    """A plan that the file brings is replaced, for its head is not known; the last one counts."""
    try:
        tflite_metadata.with_metadata(content, _METADATA, bytes(4))
    except ModelError:
        return "never"
    if subgraphs > 1:
        return "never"  # TFLite Micro plans the tensors of all of them, and we see one
    return "always" if _METADATA in tflite_metadata.names(content) else "if smaller"


def _plan_bytes(offsets: Mapping[int, int], tensors: int) -> bytes:
    """Version, subgraph, number of tensors, and an offset for each."""
    places = [offsets.get(i, _ONLINE) for i in range(tensors)]
    return np.array([_VERSION, 0, tensors, *places], "<i4").tobytes()

"""From a model file to a compiled model: every decision made, no file written."""

from __future__ import annotations

import dataclasses
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from edgekit import boards, codegen, memory, passes, schemes
from edgekit.boards import Board
from edgekit.codegen import aot
from edgekit.errors import DoesNotFitError, ModelError, UnsupportedOperatorsError, UserError
from edgekit.frontends import tflite
from edgekit.ir import Graph
from edgekit.memory.lifetimes import aligned
from edgekit.memory.tflm_scratch import KernelLibrary

if TYPE_CHECKING:
    from edgekit.codegen.embedded import EmbeddedModel

Engine = Literal["aot", "tflm"]
ENGINES: tuple[Engine, ...] = ("aot", "tflm")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModel:
    """A model compiled for a board: every decision made, no file written."""

    content: bytes  # of the .tflite that the user gave
    source_graph: Graph  # as read
    graph: Graph  # as it runs; its SHA-256 is that of `content`
    board: Board
    sources: codegen.GeneratedSources
    arena_lower_bound_bytes: int  # no engine needs less for inputs, outputs and activations
    arena_proof: str  # why no smaller arena is possible, or "none"

    @property
    def constant_bytes(self) -> int:
        """Weights and all else that goes to flash memory without being code."""
        return self.sources.constant_bytes

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one invoke."""
        return sum(step.macs for step in self.sources.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class AotModel(CompiledModel):
    """A model compiled ahead of time to C."""

    selection: schemes.Selection
    plan: memory.MemoryPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TflmModel(CompiledModel):
    """A model for TensorFlow Lite Micro's interpreter."""

    embedded: EmbeddedModel


@overload
def compile(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    *,
    engine: Literal["aot"] = "aot",
    arena_bytes: int | None = None,
) -> AotModel: ...


@overload
def compile(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    *,
    engine: str,
    arena_bytes: int | None = None,
) -> CompiledModel: ...


def compile(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    *,
    engine: str = "aot",
    arena_bytes: int | None = None,
) -> CompiledModel:
    """Read a .tflite and decide all that can be decided on the host.

    Args:
        engine: "aot" compiles the model ahead of time to C; "tflm" lets TensorFlow Lite Micro's
            interpreter run it.
        arena_bytes: the arena's size, for engine tflm only; None: an estimate that is enough.

    Raises:
        ModelError: the file is no .tflite, is corrupt, computes in float, or has operators that
            the engine has no kernel for (all are listed).
        DoesNotFitError: the model alone needs more memory than the board has.
        UserError: there is no such engine, or the arena is too small for the model's tensors.
    """
    if engine not in ENGINES:
        raise UserError(
            f"there is no engine {engine!r} that is built for boards",
            hint=f"those are {' and '.join(ENGINES)}; `edgekit run` also has litert, onnxruntime",
        )
    if engine == "aot" and arena_bytes is not None:
        raise UserError(
            "an arena's size was given, but engine aot knows what it needs",
            hint="leave it out, or choose engine tflm",
        )
    path = Path(model)
    source = tflite.read(path)
    source = dataclasses.replace(source, name=codegen.free_name(source.name))
    target = boards.load(board) if isinstance(board, str) else board
    tflite.refuse_float(source)
    content = path.read_bytes()
    compiled = (
        _ahead_of_time(content, source, target, path)
        if engine == "aot"
        else _interpreted(content, source, target, arena_bytes)
    )
    _refuse_if_too_large(compiled)
    return compiled


def _ahead_of_time(content: bytes, source: Graph, board: Board, path: Path) -> AotModel:
    graph = passes.run(source)
    if not graph.operators or any(t.constant is not None for t in graph.outputs):
        raise ModelError(f"{path}: an output does not depend on the inputs: nothing to compile")
    try:
        selection = schemes.select(graph, board)
    except UnsupportedOperatorsError as error:
        raise _naming_the_other_engine(error) from error
    plan = memory.plan(graph, selection.scratch_bytes)
    return AotModel(
        content=content,
        source_graph=source,
        graph=graph,
        board=board,
        sources=aot.generate(graph, selection, plan, isa=board.isa),
        arena_lower_bound_bytes=plan.lower_bound_bytes,
        arena_proof=plan.proof,
        selection=selection,
        plan=plan,
    )


def _naming_the_other_engine(error: UnsupportedOperatorsError) -> UnsupportedOperatorsError:
    """The same error; where engine tflm has all of these operators, its hint says so."""
    from edgekit.codegen import tflm

    if not all(tflm.can_run(operator.name) for operator in error.operators):
        return error
    return UnsupportedOperatorsError(
        error.model,
        error.operators,
        hint=f"{error.hint}; or let TensorFlow Lite Micro run the model: --engine tflm",
    )


def _interpreted(content: bytes, source: Graph, board: Board, arena_bytes: int | None) -> TflmModel:
    from edgekit.codegen import embedded, tflm  # they write .tflite files, which others do not

    tflm.refuse_unsupported(source)
    pointer_bytes = pointer_bytes_of(board)
    form = embedded.embed(
        content, source, pointer_bytes=pointer_bytes, kernels=_kernel_libraries(board)
    )
    if arena_bytes is not None:
        arena_bytes = _checked_arena_bytes(arena_bytes, form)
    return TflmModel(
        content=content,
        source_graph=source,
        graph=dataclasses.replace(form.graph, name=source.name, sha256=source.sha256),
        board=board,
        sources=tflm.generate(source, form, arena_bytes=arena_bytes),
        arena_lower_bound_bytes=form.lower_bound_bytes,
        arena_proof="none",  # no bound is known of what an interpreter keeps
        embedded=form,
    )


def _checked_arena_bytes(arena_bytes: int, form: EmbeddedModel) -> int:
    """The next whole number of units, if the library will refuse it rather than crash in it."""
    least = max(form.start_bytes, form.lower_bound_bytes)
    if arena_bytes < least:
        raise UserError(
            f"an arena of {arena_bytes:,} bytes is too small: the model's tensors take "
            f"{form.lower_bound_bytes:,}, the interpreter may need {form.start_bytes:,} to start",
            hint="leave --arena out, and see what the board says that it used; or add --fit",
        )
    return aligned(arena_bytes)


def _kernel_libraries(board: Board) -> tuple[KernelLibrary, ...] | None:
    """Whose kernels a TensorFlow Lite Micro for that board may hold; None: anybody's."""
    if board.platformio is not None:
        return None
    if board.core == "cortex-m55":
        return ("reference", "cmsis_nn_mve")
    return ("reference", "cmsis_nn") if board.core.startswith("cortex-m") else ("reference",)


def fitted(compiled: CompiledModel, used_bytes: int) -> CompiledModel:
    """The same model of engine tflm with the arena that a board used `used_bytes` of.

    Raises:
        UserError: it is another engine's, whose arena is exact as it is.
    """
    from edgekit.codegen import embedded, tflm

    if not isinstance(compiled, TflmModel):
        raise UserError(f"engine {compiled.sources.engine} has an arena that is exact as it is")
    form = compiled.embedded
    arena_bytes = embedded.fitted_arena_bytes(used_bytes, start_bytes=form.start_bytes)
    sources = tflm.generate(compiled.source_graph, form, arena_bytes=arena_bytes)
    return dataclasses.replace(compiled, sources=sources)


def pointer_bytes_of(board: Board) -> Literal[4, 8]:
    """Bytes of a pointer on the board."""
    if board.toolchain == "host":
        return 8 if struct.calcsize("P") == 8 else 4
    return 8 if board.toolchain.startswith("aarch64") else 4


def left_over(compiled: CompiledModel, board: Board) -> tuple[int | None, int | None]:
    """(RAM, flash memory) in bytes that `board` has left beside the model; None: no limit.

    RAM is what the arena and the copy of the inputs that the link keeps leave for stack and
    everything else; flash memory is what the model's constants leave for code.
    """
    ram, flash = board.ram_bytes, board.flash_bytes
    used = compiled.sources.input_bytes
    place = board.arena_memory(compiled.sources.arena_bytes, used)
    if place is None or place.kind == "ram":
        used += compiled.sources.arena_bytes
    return (
        None if ram is None else ram - board.stack_bytes - used,
        None if flash is None else flash - compiled.constant_bytes,
    )


def _refuse_if_too_large(compiled: CompiledModel) -> None:
    for kind, left in zip(
        ("RAM", "flash memory"), left_over(compiled, compiled.board), strict=True
    ):
        if left is not None and left < 0:
            total = compiled.board.ram_bytes if kind == "RAM" else compiled.board.flash_bytes
            assert total is not None
            raise DoesNotFitError(
                board=compiled.board.id,
                memory=kind,
                needed_bytes=total - left,
                free_bytes=total,
                fits=boards_that_fit(compiled),
            )


def boards_that_fit(compiled: CompiledModel) -> tuple[str, ...]:
    """Ids of the boards whose memories hold the model."""
    return tuple(
        board.id
        for board in boards.all_boards()
        if all(left is None or left >= 0 for left in left_over(compiled, board))
    )

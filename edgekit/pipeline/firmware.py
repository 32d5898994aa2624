"""From a model file to a measured board, stage by stage:

model file -> Graph -> passes -> Selection -> MemoryPlan -> GeneratedSources     compile
-> Project -> FirmwareImage                                                      build
-> running board -> Device                                                       connect
-> agreement, latency, memory, accuracy -> Measurement                           measure
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from edgekit import (
    boards,
    codegen,
    emulators,
    link,
    measurement,
    memory,
    ops,
    passes,
    project,
    schemes,
    toolchain,
)
from edgekit.boards import Board
from edgekit.codegen import aot
from edgekit.errors import DoesNotFitError, LinkError, ModelError, UserError, VerificationError
from edgekit.frontends import tflite
from edgekit.ir import Array, Graph
from edgekit.link import Device
from edgekit.measurement import Inputs, Measurement, Samples
from edgekit.progress import Progress, silent
from edgekit.reference import cache
from edgekit.report.inspection import BoardFit, InspectedStep, Inspection

Engine = Literal["aot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModel:
    """A model compiled for a board: every decision made, no file written."""

    content: bytes  # of the .tflite
    source_graph: Graph  # as read
    graph: Graph  # after the passes
    board: Board
    selection: schemes.Selection
    plan: memory.MemoryPlan
    sources: codegen.GeneratedSources

    @property
    def constant_bytes(self) -> int:
        """Weights and other arrays that go to flash memory."""
        return sum(
            array.nbytes
            for choice in self.selection.choices
            for array in choice.needs.constants.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFirmware:
    """A firmware image, with the model that is in it."""

    model: CompiledModel
    image: toolchain.FirmwareImage


def compile(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    *,
    engine: Engine = "aot",
) -> CompiledModel:
    """Read a .tflite and decide all that can be decided on the host.

    Raises:
        ModelError: the file is no .tflite, is corrupt, computes in float, or has operators that
            cannot be compiled (all are listed).
        DoesNotFitError: the model alone needs more memory than the board has.
    """
    if engine != "aot":
        raise UserError(f"there is no engine {engine!r}", hint="the engine is aot")
    path = Path(model)
    source = tflite.read(path)
    source = dataclasses.replace(source, name=codegen.free_name(source.name))
    target = boards.load(board) if isinstance(board, str) else board
    tflite.refuse_float(source)
    graph = passes.run(source)
    if not graph.operators or any(t.constant is not None for t in graph.outputs):
        raise ModelError(f"{path}: an output does not depend on the inputs: nothing to compile")
    selection = schemes.select(graph, target)
    plan = memory.plan(graph, selection.scratch_bytes)
    compiled = CompiledModel(
        content=path.read_bytes(),
        source_graph=source,
        graph=graph,
        board=target,
        selection=selection,
        plan=plan,
        sources=aot.generate(graph, selection, plan, isa=target.isa),
    )
    _refuse_if_too_large(compiled)
    return compiled


def left_over(compiled: CompiledModel, board: Board) -> tuple[int | None, int | None]:
    """(RAM, flash memory) in bytes that `board` has left beside the model; None: no limit.

    RAM is what the arena and the copy of the inputs that the link keeps leave for stack and
    everything else; flash memory is what the model's constants leave for code.
    """
    ram, flash = board.ram_bytes, board.flash_bytes
    used = compiled.sources.input_bytes
    place = board.arena_memory(compiled.plan.arena_bytes, used)
    if place is None or place.kind == "ram":
        used += compiled.plan.arena_bytes
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


def build(
    compiled: CompiledModel,
    *,
    directory: str | os.PathLike[str] | None = None,
    options: project.ProjectOptions | None = None,
    progress: Progress = silent,
) -> BuiltFirmware:
    """Write the project and compile it; unchanged inputs reuse an earlier build.

    Args:
        directory: where to keep the project and its build; default: only in edgekit's cache.

    Raises:
        ToolMissingError: the board's compiler is not installed.
        BuildError: the compiler rejected the project.
        DoesNotFitError: the linker ran out of one of the board's memories.
    """
    progress(f"building for {compiled.board.id}", 0, 0)
    try:
        image = toolchain.build(
            compiled.sources,
            compiled.board,
            options=options or project.ProjectOptions(),
            directory=None if directory is None else Path(directory),
            progress=progress,
        )
    except DoesNotFitError as error:  # the linker knows of one memory only
        both = set(boards_that_fit(compiled))
        raise error.with_fits([board_id for board_id in error.fits if board_id in both]) from error
    if directory is not None and compiled.board.flash == "esptool":
        toolchain.write_flash_manifest(
            image,
            compiled.board,
            model_name=compiled.graph.name,
            model_sha256=compiled.graph.sha256,
        )
    return BuiltFirmware(model=compiled, image=image)


def write(
    compiled: CompiledModel,
    directory: str | os.PathLike[str],
    *,
    options: project.ProjectOptions | None = None,
) -> project.Project:
    """Write the project, and stop before the compiler: `edgekit build --project-only`.

    Raises:
        BoardError: the board cannot be built like this.
        UserError: the directory holds something else, or cannot be written.
    """
    return toolchain.write(
        compiled.sources,
        compiled.board,
        options=options or project.ProjectOptions(),
        directory=Path(directory),
    )


@contextlib.contextmanager
def connect(target: BuiltFirmware | str, *, baud: int = 115200) -> Iterator[Device]:
    """A conversation with a board: an emulated one is started for it and ended after it.

    Args:
        target: firmware for a board that edgekit can start, or the name or URL of a serial port.

    Raises:
        SerialPortError: the serial port is missing, busy or refused.
        EmulatorError: the emulated board died or went silent; its last output is in the message.
    """
    if isinstance(target, str):
        try:
            with link.Device(link.SerialTransport(target, baud=baud)) as device:
                yield device
        except LinkError as error:
            if target not in str(error):
                error.args = (f"{target}: {error}",)
            raise
        return
    with emulators.start(target.model.board, target.image) as running:
        transport = link.WatchedTransport(link.SerialTransport(running.serial_port), running.watch)
        try:
            with link.Device(transport) as device:
                yield device
        except LinkError as error:
            running.explain(error)
            raise


def verify(
    device: Device, compiled: CompiledModel, inputs: Inputs = 16, *, progress: Progress = silent
) -> measurement.Verification:
    """Compare every output byte of the device with the reference.

    Raises:
        UserError: the device runs another model.
        VerificationError: a byte differs; the message names the first operator that does.
    """
    samples = measurement.samples_for(compiled.source_graph, inputs)
    return _verify(device, compiled, samples, progress)[0]


def measure(
    device: Device,
    compiled: CompiledModel,
    inputs: Inputs = 4,
    *,
    image: toolchain.FirmwareImage | None = None,
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    progress: Progress = silent,
) -> Measurement:
    """Prove the device's outputs, then measure it.

    Args:
        inputs: how many random input sets, or an .npz file, named arrays, or Samples.
        image: what runs on the device, for its sizes; None when that is not at hand.
        runs: timed invokes; default 3 where instructions are counted, else 50.
        profile: also measure each operator.

    Raises:
        UserError: the device runs another model, or `runs` is less than 1.
        VerificationError: an output byte differs from the reference; nothing was measured.
    """
    board, ticks_hz = compiled.board, device.hello.ticks_hz
    exact = board.count.unit == "instructions"  # the same in every run
    runs = runs if runs is not None else 3 if exact else 50
    if runs < 1 or warmup < 0:
        raise UserError(f"{runs} runs after {warmup} were asked for", hint="ask for at least 1")
    samples = measurement.samples_for(compiled.source_graph, inputs)
    verification, outputs = _verify(device, compiled, samples, progress)
    stage = f"measuring on {board.id}"
    progress(stage, 0, runs)
    ticks = measurement.timed(
        device,
        samples.inputs[0],
        outputs[0],
        runs=runs,
        warmup=warmup,
        on_run=lambda done, total: progress(stage, done, total),
    )
    profiles = []
    for done in range((1 if exact else min(runs, 20)) if profile else 0):
        progress(f"profiling on {board.id}", done, runs)
        profiles.append(device.profile())
    return Measurement(
        edgekit=metadata.version("edgekit"),
        board=board.id,
        emulated=board.emulated,
        engine=compiled.sources.engine,
        model=measurement.Model(
            name=compiled.graph.name,
            sha256=compiled.graph.sha256,
            macs=ops.macs(compiled.graph),
        ),
        build=None if image is None else measurement.build_facts(image),
        invoke=measurement.summarise(ticks, board=board, ticks_hz=ticks_hz, warmup=warmup),
        operators=measurement.operators(compiled.selection, profiles, board, ticks_hz),
        memory=measurement.memory_facts(device, compiled.plan, image),
        verify=verification,
        accuracy=measurement.accuracy(outputs, samples.labels),
    )


def run(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    inputs: Inputs = 4,
    *,
    engine: Engine = "aot",
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    directory: str | os.PathLike[str] | None = None,
    options: project.ProjectOptions | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Compile, build, start, verify and measure: `edgekit run`. Errors are those of the stages."""
    progress(f"compiling for {board if isinstance(board, str) else board.id}", 0, 0)
    compiled = compile(model, board, engine=engine)
    samples = measurement.samples_for(
        compiled.source_graph, inputs
    )  # a bad file is said before a build
    built = build(compiled, directory=directory, options=options, progress=progress)
    with connect(built) as device:
        return measure(
            device,
            compiled,
            samples,
            image=built.image,
            runs=runs,
            warmup=warmup,
            profile=profile,
            progress=progress,
        )


def _verify(
    device: Device, compiled: CompiledModel, samples: Samples, progress: Progress
) -> tuple[measurement.Verification, tuple[tuple[Array, ...], ...]]:
    """The verification, and the device's outputs."""
    if device.hello.model_sha256 != compiled.graph.sha256:
        raise UserError(
            f"the board runs model {device.hello.model_name!r} "
            f"({device.hello.model_sha256[:12]}…), not {compiled.graph.name!r} "
            f"({compiled.graph.sha256[:12]}…)",
            hint="give the .tflite that the firmware was built from, or flash this one",
        )
    progress("asking the reference", 0, 0)
    expected, oracle = cache.outputs_for(compiled.content, samples.inputs)
    total = len(samples)
    stage = f"verifying on {compiled.board.id}"
    progress(stage, 0, total)
    agreement = measurement.compare(
        device, compiled.graph, samples, expected, lambda done: progress(stage, done, total)
    )
    if agreement.first_mismatch is not None:
        inputs = samples.inputs[agreement.first_mismatch]
        culprit = measurement.first_difference(device, compiled.graph, inputs)
        raise VerificationError(
            f"{agreement.mismatched_bytes:,} of {agreement.compared_bytes:,} output bytes differ "
            f"from {oracle}, first in input {agreement.first_mismatch}; "
            + (
                f"the first to differ is {culprit}"
                if culprit
                else "every operator computes what edgekit's NumPy reference does"
            ),
            hint="this is a bug of edgekit: please report it with the model",
        )
    verification = measurement.Verification(
        inputs=total,
        compared_bytes=agreement.compared_bytes,
        mismatched_bytes=agreement.mismatched_bytes,
        oracle=oracle,
    )
    return verification, agreement.outputs


def inspect(model: str | os.PathLike[str]) -> Inspection:
    """What can be said of a model without a board; errors are those of `compile`."""
    compiled = compile(model)
    steps = tuple(
        InspectedStep(
            index=choice.operator.index,
            name=ops.definition_of(choice.operator).name,
            kernel=f"ek_{choice.needs.kernel}",
            macs=choice.macs,
            constant_bytes=sum(array.nbytes for array in choice.needs.constants.values()),
            output_shape=choice.operator.output.shape,
            live_bytes=compiled.plan.live_bytes(step),
        )
        for step, choice in enumerate(compiled.selection.choices)
    )
    return Inspection(
        name=compiled.graph.name,
        sha256=compiled.graph.sha256,
        macs=ops.macs(compiled.graph),
        inputs=compiled.graph.inputs,
        outputs=compiled.graph.outputs,
        operators_in_file=len(compiled.source_graph.operators),
        steps=steps,
        arena_bytes=compiled.plan.arena_bytes,
        arena_lower_bound_bytes=compiled.plan.lower_bound_bytes,
        arena_proof=compiled.plan.proof,
        constant_bytes=compiled.constant_bytes,
        boards=tuple(
            BoardFit(board.id, *left_over(compiled, board)) for board in boards.all_boards()
        ),
    )

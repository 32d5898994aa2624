"""From a model file to a measured board, stage by stage:

model file -> Graph -> passes -> Selection -> MemoryPlan -> GeneratedSources     compile
-> Project -> FirmwareImage                                                      build
-> running board -> Device                                                       connect
-> agreement, latency, memory, accuracy -> Measurement                           measure
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from edgekit import boards, emulators, link, measurement, ops, project, toolchain
from edgekit.boards import Board
from edgekit.errors import DoesNotFitError, LinkError, UserError
from edgekit.link import Device
from edgekit.measurement import Inputs, Measurement
from edgekit.pipeline.compiling import (
    CompiledModel,
    boards_that_fit,
    compile,
    fitted,
    left_over,
)
from edgekit.pipeline.verification import used_arena_bytes, verified
from edgekit.progress import Progress, silent
from edgekit.report.inspection import BoardFit, InspectedStep, Inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFirmware:
    """A firmware image, with the model that is in it."""

    model: CompiledModel
    image: toolchain.FirmwareImage


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
        DeviceError: the model did not start there.
        VerificationError: a byte differs; the message names the first operator that does.
    """
    samples = measurement.samples_for(compiled.source_graph, inputs)
    return verified(device, compiled, samples, progress)[0]


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
        DeviceError: the model did not start there.
        VerificationError: an output byte differs from the reference; nothing was measured.
    """
    board, ticks_hz = compiled.board, device.hello.ticks_hz
    exact = board.count.unit == "instructions"  # the same in every run
    runs = runs if runs is not None else 3 if exact else 50
    if runs < 1 or warmup < 0:
        raise UserError(f"{runs} runs after {warmup} were asked for", hint="ask for at least 1")
    samples = measurement.samples_for(compiled.source_graph, inputs)
    verification, outputs = verified(device, compiled, samples, progress)
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
            macs=compiled.macs,
        ),
        build=None if image is None else measurement.build_facts(image),
        invoke=measurement.summarise(ticks, board=board, ticks_hz=ticks_hz, warmup=warmup),
        operators=measurement.operators(compiled.sources.steps, profiles, board, ticks_hz),
        memory=measurement.memory_facts(
            device,
            lower_bound_bytes=compiled.arena_lower_bound_bytes,
            proof=compiled.arena_proof,
            image=image,
        ),
        verify=verification,
        accuracy=measurement.accuracy(outputs, samples.labels),
    )


def run(
    model: str | os.PathLike[str],
    board: str | Board = "host",
    inputs: Inputs = 4,
    *,
    engine: str = "aot",
    arena_bytes: int | None = None,
    fit: bool = False,
    options: project.ProjectOptions | None = None,
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    directory: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Compile, build, start, verify and measure: `edgekit run`. Errors are those of the stages.

    Args:
        fit: ask the board how much of its arena engine tflm used, and build again with that much.
    """
    if fit and (engine != "tflm" or arena_bytes is not None):
        raise UserError(
            "an arena can be fitted only for engine tflm, and where no size was given",
            hint="engine aot's arena is exact as it is",
        )
    progress(f"compiling for {board if isinstance(board, str) else board.id}", 0, 0)
    compiled = compile(model, board, engine=engine, arena_bytes=arena_bytes)
    samples = measurement.samples_for(
        compiled.source_graph, inputs
    )  # a bad file is said before a build
    built = build(compiled, directory=directory, options=options, progress=progress)
    if fit:
        with connect(built) as device:
            used_bytes = used_arena_bytes(device, compiled)
        compiled = fitted(compiled, used_bytes)
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

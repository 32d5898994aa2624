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
from edgekit.errors import DoesNotFitError, LinkError, UserError
from edgekit.link import Device
from edgekit.measurement import Inputs, Measurement
from edgekit.pipeline import deaths
from edgekit.pipeline.compiling import (
    CompiledModel,
    boards_that_fit,
    compile,
    left_over,
)
from edgekit.pipeline.verification import verified
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
    if directory is not None and compiled.board.flash in ("esptool", "uf2"):
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
def connect(
    target: BuiltFirmware | str, *, baud: int = 115200, progress: Progress | None = None
) -> Iterator[Device]:
    """A conversation with a board: an emulated one is started for it and ended after it.

    Args:
        target: firmware for a board that edgekit can start, or the name or URL of a serial port.
        progress: is told when an emulator that is missing is fetched; None: it is not fetched.

    Raises:
        SerialPortError: the serial port is missing, busy or refused.
        ToolMissingError: the board's emulator is missing.
        EmulatorError: the emulated board died, with the place if it said one, or went silent.
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
    if progress is not None:
        emulators.prepare(target.model.board, progress)
    with (
        emulators.start(target.model.board, target.image) as running,
        deaths.told(running, target.image.elf, target.model.graph),
    ):
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
        runs: timed invokes; default 3 where every run counts the same, else 50.
        profile: also measure each operator.

    Raises:
        UserError: the device runs another model, or `runs` is less than 1.
        DeviceError: the model did not start there.
        VerificationError: an output byte differs from the reference; nothing was measured.
    """
    board, ticks_hz = compiled.board, device.hello.ticks_hz
    exact = board.counts_repeatably
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
        rung=board.verified,
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

"""The whole road to an ESP32 that is not there: compile, build, flash, connect, verify, measure.

Flashing and the link are the real ones. The firmware is not: its sources are those of the board but
for the port, and they are built for this computer, so what it measures of time and memory is not
the board's, and no report lets it pass for that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgekit import boards, emulators, flash, link, measurement
from edgekit.boards import Board, Emulator
from edgekit.emulators import Mode, VirtualEsp32
from edgekit.errors import EmulatorError, FlashError, LinkError
from edgekit.link import Device
from edgekit.measurement import Inputs, Measurement
from edgekit.pipeline import compiling, firmware
from edgekit.pipeline.compiling import CompiledModel
from edgekit.pipeline.firmware import BuiltFirmware
from edgekit.progress import Progress, silent
from edgekit.project import ProjectOptions

_FLASH_BYTES = 4 << 20  # where the board's file says nothing


def run(
    model: str | os.PathLike[str],
    board: str | Board,
    inputs: Inputs = 4,
    *,
    engine: str = "aot",
    arena_bytes: int | None = None,
    options: ProjectOptions | None = None,
    runs: int | None = None,
    warmup: int = 1,
    profile: bool = False,
    directory: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Do with a virtual chip all that `edgekit run` does with a board: `edgekit run --virtual`.

    Args:
        board: one that esptool flashes.
        directory: where to keep the stand-in's project; default: nowhere.
        options: how the stand-in is compiled.

    Raises:
        BoardError: the board is no ESP32, or has a chip that no virtual chip plays.
        ToolMissingError: esptool, esp32-mock-bootloader or a C compiler is not installed.
        EdgekitError: as the stages do.
    """
    target = boards.load(board) if isinstance(board, str) else board
    progress(f"compiling for {target.id}", 0, 0)
    compiled = compile(model, target, engine=engine, arena_bytes=arena_bytes)
    samples = measurement.samples_for(compiled.source_graph, inputs)
    built = firmware.build(compiled, directory=directory, options=options, progress=progress)
    with VirtualEsp32(target) as chip, flashed(chip, built, progress=progress) as device:
        measured = firmware.measure(
            device,
            compiled,
            samples,
            image=built.image,
            runs=runs,
            warmup=warmup,
            profile=profile,
            progress=progress,
        )
    return as_virtual(measured)


def compile(
    model: str | os.PathLike[str],
    board: Board,
    *,
    engine: str = "aot",
    arena_bytes: int | None = None,
) -> CompiledModel:
    """The model, compiled for the stand-in of `board`; errors are those of compiling.compile()."""
    return compiling.compile(model, stand_in_board(board), engine=engine, arena_bytes=arena_bytes)


def stand_in_board(board: Board) -> Board:
    """`board` with its name and memories, but a process of this computer.

    Raises:
        BoardError: the board is no ESP32, or has a chip that no virtual chip plays.
    """
    emulators.settings_of(board)
    return board.model_copy(
        update={
            "framework": "",
            "frameworks": (),
            "isa": (),  # faster twins of kernels are for the chip's instructions
            "isa_flags": (),
            "toolchain": "host",
            "port": "host",
            "startup": "",
            "linker": "",
            "defines": (),
            "build": "cmake",
            "platformio": None,
            "flash": "emulator",
            "esptool": None,
            "emulator": Emulator(kind="process", source="it stands in for the board's chip"),
        }
    )


def flash_image(built: BuiltFirmware, board: Board, directory: Path) -> flash.FlashImage:
    """What is to be flashed, for a virtual chip to run.

    Args:
        built: firmware that was compiled by compile() above.
        board: the board whose form the image gets.
        directory: the image's files are written to it.
    """
    image, graph = built.image, built.model.graph
    parts = emulators.stand_in(image.elf, board, directory)
    return flash.FlashImage(
        board_id=board.id,
        framework=board.framework,
        chip=emulators.settings_of(board).chip,
        parts=tuple(
            flash.ImagePart(offset=part.offset, name=part.path.name, content=part.path.read_bytes())
            for part in parts
        ),
        flash_size_bytes=board.flash_bytes or _FLASH_BYTES,
        model_name=graph.name,
        model_sha256=graph.sha256,
        build_id=image.build_id,
    )


@contextlib.contextmanager
def flashed(
    chip: VirtualEsp32, built: BuiltFirmware, *, progress: Progress = silent
) -> Iterator[Device]:
    """Flash `chip` and converse with the firmware that it then runs.

    Raises:
        FlashError: the image did not reach the chip, or another one answers.
        LinkError: the conversation broke.
        EmulatorError: the virtual chip itself failed.
    """
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        image = flash_image(built, chip.board, Path(folder))
        flash.write(image, chip.serial_port, progress=progress)
    # A process that is being started holds, for a moment, what this one has just closed.
    with contextlib.suppress(EmulatorError):
        chip.wait_for(Mode.APPLICATION, Mode.BOOT_LOOP, Mode.HALTED, timeout_s=5)
    progress(f"connecting to the virtual {chip.board.id}", 0, 0)
    try:
        with link.Device(link.SerialTransport(chip.serial_port)) as device:
            _check_build(device, image)
            yield device
    except LinkError as error:
        try:
            chip.check_alive()
        except EmulatorError as death:
            raise death from error
        raise


def _check_build(device: Device, image: flash.FlashImage) -> None:
    if device.hello.build_id != image.build_id:
        raise FlashError(
            f"the virtual {image.board_id} runs build {device.hello.build_id}, "
            f"but {image.build_id} was flashed",
            hint="this is a bug of edgekit: please report it with the model",
        )


def as_virtual(measured: Measurement) -> Measurement:
    """`measured` without what would be read as the board's but is this computer's."""
    return dataclasses.replace(
        measured,
        emulated=True,
        virtual=True,
        memory=dataclasses.replace(
            measured.memory,
            stack_bytes=None,
            static_ram_bytes=None,
            flash_bytes=None,
            inference_flash_bytes=None,
        ),
    )

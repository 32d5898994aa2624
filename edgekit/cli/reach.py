"""From the options of `verify`, `bench` and `profile` to a device that runs the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.cli.options import EngineChoice, parse_launcher
from edgekit.errors import UserError

if TYPE_CHECKING:
    from edgekit.link import Device
    from edgekit.pipeline import CompiledModel
    from edgekit.progress import Progress
    from edgekit.toolchain import FirmwareImage


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChoice:
    """The options --board, --framework, --host and --launcher, or --port and --baud."""

    board: str | None
    framework: str | None
    port: str | None
    baud: int
    host: str | None
    launcher: str


@contextmanager
def reach(
    model: Path, place: DeviceChoice, progress: Progress, choice: EngineChoice
) -> Iterator[tuple[Device, CompiledModel, FirmwareImage | None]]:
    """A device that runs `model`: behind a serial port, or a board that edgekit starts.

    Args:
        choice: for a board that is started; firmware that runs already says its engine itself.
    """
    if place.board is None and place.port is None:
        raise UserError("say where the model runs", hint="give either --board ID or --port PORT")
    if place.board is not None and place.port is not None:
        raise UserError(
            "--board and --port were both given",
            hint="give --port PORT for firmware that runs already, --board ID to have it started",
        )
    if place.board is not None:
        with _started(model, place.board, place, progress, choice) as reached:
            yield reached
    elif place.port is not None:
        if place.host is not None or place.launcher or place.framework is not None:
            raise UserError(
                "--host, --launcher and --framework are for boards that edgekit starts",
                hint="give --board ID, not --port",
            )
        with _running(model, place.port, place.baud, progress) as reached:
            yield reached


@contextmanager
def _started(
    model: Path, board_id: str, place: DeviceChoice, progress: Progress, choice: EngineChoice
) -> Iterator[tuple[Device, CompiledModel, FirmwareImage | None]]:
    """One that edgekit starts: an emulated board, or a Linux board."""
    from edgekit import boards, pipeline

    board = boards.load(board_id, place.framework)
    where = pipeline.Where(host=place.host, launcher=parse_launcher(place.launcher))
    where.refuse_for(board)
    if board.flash not in ("emulator", "ssh"):
        raise UserError(
            f"{board_id} is a real board: it does not start by itself",
            hint=f"edgekit run MODEL --board {board_id} flashes it; then give its --port",
        )
    options = choice.project_options()
    compiled = pipeline.compile(model, board, engine=choice.engine, arena_bytes=choice.arena_bytes)
    built = pipeline.build(compiled, options=options, progress=progress)
    with pipeline.on_board(built, None, where, progress) as device:
        yield device, compiled, built.image


@contextmanager
def _running(
    model: Path, port: str, baud: int, progress: Progress
) -> Iterator[tuple[Device, CompiledModel, FirmwareImage | None]]:
    """One that runs already, behind a serial port."""
    from edgekit import boards, pipeline

    progress(f"connecting to {port}", 0, 0)
    with pipeline.connect(port, baud=baud) as device:
        board_id = device.hello.board_id
        if board_id not in boards.known_boards():
            raise UserError(
                f"the firmware at {port} is for board {board_id!r}, which this edgekit has not",
                hint="build and flash the firmware with this edgekit: see `edgekit boards`",
            )
        yield device, pipeline.compile(model, board_id, engine=device.hello.engine), None

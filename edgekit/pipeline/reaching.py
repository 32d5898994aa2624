"""From built firmware to a conversation with the board that runs it, whatever that takes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from edgekit import flash, link
from edgekit.boards import Board
from edgekit.link import Device
from edgekit.pipeline import flashing
from edgekit.pipeline.firmware import BuiltFirmware, connect
from edgekit.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which of the boards of its kind is meant; boards that edgekit starts need no such thing."""

    #: Of a microcontroller: a path or pyserial URL; "auto" or "auto:SERIAL" finds it by its USB id.
    port: str = flash.AUTO
    #: Of a Linux board: "user@host", or a name of the ssh configuration; None: this computer.
    host: str | None = None


_Way = Callable[[BuiltFirmware, Path | None, Where, Progress], AbstractContextManager[Device]]


@contextlib.contextmanager
def on_board(
    built: BuiltFirmware,
    directory: str | os.PathLike[str] | None,
    where: Where,
    progress: Progress,
) -> Iterator[Device]:
    """A conversation with the board that runs `built`: started if it is emulated, else flashed.

    Args:
        directory: where `built` lies, of boards whose image is a file that a tool writes.

    Raises: as connect() and flash_board() do.
    """
    way = _WAYS[built.model.board.flash]
    with way(built, None if directory is None else Path(directory), where, progress) as device:
        yield device


@contextlib.contextmanager
def kept_for(
    directory: str | os.PathLike[str] | None, board: Board
) -> Iterator[str | os.PathLike[str] | None]:
    """Where the project goes; what is flashed has to lie somewhere until it is."""
    if directory is not None or board.flash not in ("esptool", "uf2"):
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-") as scratch:
        yield scratch


@contextlib.contextmanager
def _emulated(
    built: BuiltFirmware, directory: Path | None, where: Where, progress: Progress
) -> Iterator[Device]:
    del directory, where
    with connect(built, progress=progress) as device:
        yield device


@contextlib.contextmanager
def _flashed_by_esptool(
    built: BuiltFirmware, directory: Path | None, where: Where, progress: Progress
) -> Iterator[Device]:
    assert directory is not None
    done = flashing.flash_board(directory, where.port, progress=progress)
    baud = built.model.board.reach.baud or link.DEFAULT_BAUD
    with connect(done.written.port, baud=baud) as device:
        yield device


#: By what the board's file says of `flash`.
_WAYS: Mapping[str, _Way] = {"emulator": _emulated, "esptool": _flashed_by_esptool}

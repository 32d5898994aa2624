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
from edgekit.errors import RemoteError, UserError
from edgekit.link import Device
from edgekit.pipeline import flashing, linux, uf2_flashing
from edgekit.pipeline.firmware import BuiltFirmware, connect
from edgekit.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which of the boards of its kind is meant; boards that edgekit starts need no such thing."""

    #: Of a microcontroller: a path or pyserial URL; "auto" or "auto:SERIAL" finds it by its USB id.
    port: str = flash.AUTO
    #: Of a Linux board: "user@host", or a name of the ssh configuration; None: this computer.
    host: str | None = None
    #: Of a Linux board: what its program is started by, such as ("taskset", "-c", "3"), or an
    #: emulator where the machine is another one.
    launcher: tuple[str, ...] = ()

    def refuse_for(self, board: Board) -> None:
        """Raise UserError if this says where to find a board of another kind than `board`."""
        if board.flash != "ssh" and (self.host is not None or self.launcher):
            raise UserError(
                f"{board.id} is no Linux board: --host and --launcher are not for it",
                hint="give a Linux board, such as rpi-4, or leave them out",
            )
        if board.flash == "ssh" and self.port != flash.AUTO:
            raise UserError(
                f"{board.id} is a Linux board: it is not reached by a serial port",
                hint="give --host USER@NAME, and leave --port out",
            )


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


@contextlib.contextmanager
def _copied_as_uf2(
    built: BuiltFirmware, directory: Path | None, where: Where, progress: Progress
) -> Iterator[Device]:
    assert directory is not None
    done = uf2_flashing.flash_uf2(directory, where.port, must_answer=True, progress=progress)
    assert done.port is not None
    baud = built.model.board.reach.baud or link.DEFAULT_BAUD
    with connect(done.port, baud=baud) as device:
        yield device


@contextlib.contextmanager
def _on_linux(
    built: BuiltFirmware, directory: Path | None, where: Where, progress: Progress
) -> Iterator[Device]:
    del directory
    board, program = built.model.board, built.image.elf.read_bytes()
    progress(f"connecting to {where.host or 'this computer'}", 0, 0)
    with linux.machine_of(board, where.host, where.launcher) as machine:
        played = linux.refuse_another(board, program, machine, where.launcher)
        with machine.directory() as folder:
            progress(f"copying the program to {machine.name}", 0, 0)
            path = f"{folder}/firmware"
            machine.put(program, path, executable=True)
            with linux.conversation(
                machine, [path], launcher=where.launcher, played=played
            ) as device:
                if device.hello.build_id != built.image.build_id:
                    raise RemoteError(f"{machine.name}: another program answers than was put there")
                yield device


#: By what the board's file says of `flash`.
_WAYS: Mapping[str, _Way] = {
    "emulator": _emulated,
    "esptool": _flashed_by_esptool,
    "uf2": _copied_as_uf2,
    "ssh": _on_linux,
}
